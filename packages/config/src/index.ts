export {
  bool,
  durationMs,
  int,
  oneOf,
  shareOrOff,
  text,
  url,
  wholeNumbers,
  type EnvField,
} from './fields.ts';
export {
  ConfigError,
  ConfigProblems,
  describeConfig,
  EXIT_CONFIG,
  loadEnv,
  type ConfigOf,
  type Env,
} from './load-env.ts';
