export { buildVersion } from './build-version.ts';
export { ConfigError } from './config-error.ts';
export { field, NotAllowed, optional, type Env, type EnvField } from './field.ts';
export {
  bool,
  durationMs,
  int,
  oneOf,
  optionalInt,
  shareOrOff,
  text,
  url,
  wholeNumbers,
} from './fields.ts';
export { describeConfig, loadEnv, type ConfigOf, type EnvSchema, type Rule } from './load-env.ts';
export { maskUrl } from './mask.ts';
export { keepSecret, redact, redactQuoted } from './redact.ts';
export { reveal, secret, type Secret } from './secret.ts';
export { variablesTable } from './variables-table.ts';
