/** The configuration reader alone: a command that people wait for need not load the admin server. */
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
} from './env-fields.ts';
export {
  ConfigError,
  ConfigProblems,
  describeConfig,
  EXIT_CONFIG,
  loadEnv,
  type ConfigOf,
  type Env,
} from './load-env.ts';
export { DEDUP_ENV, RECORD_ENV, WRITER_ENV } from './shared-env.ts';
