import { ConfigError } from './config-error.ts';
import type { Env, EnvField } from './field.ts';

/** Fields by the name their value has in the program. */
export type EnvSchema = Readonly<Record<string, EnvField<any>>>;

export type ConfigOf<S> = {
  readonly [K in keyof S]: S[K] extends EnvField<infer T> ? T : never;
};

/** What values must be together. */
export interface Rule<C> {
  /** Asked only where each of these is fine alone. */
  readonly of: readonly (keyof C)[];
  /** A sentence that names the variables, where they do not go together. */
  problem(config: C): string | undefined;
}

/**
 * Reads every field from `env`; unset and empty mean the default. Frozen result; throws ConfigError
 * with all problems, those of `rules` included, in which no secret is quoted.
 */
export function loadEnv<S extends EnvSchema>(
  schema: S,
  env: Env,
  rules: readonly Rule<ConfigOf<S>>[] = [],
): ConfigOf<S> {
  const problems: string[] = [];
  const values: Record<string, unknown> = {};
  for (const [key, declared] of Object.entries(schema)) {
    const reading = declared.read(env);
    if ('problems' in reading) problems.push(...reading.problems);
    else values[key] = reading.value;
  }
  const config = Object.freeze(values) as ConfigOf<S>;
  for (const rule of rules) {
    if (!rule.of.every((key) => Object.hasOwn(config, key))) continue;
    const problem = rule.problem(config);
    if (problem !== undefined) problems.push(problem);
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return config;
}

/** Every variable with its value in effect, safe to print. */
export function describeConfig<S extends EnvSchema>(
  schema: S,
  config: ConfigOf<S>,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(schema).map(([key, declared]) => [
      declared.variable,
      declared.show(config[key as keyof S]),
    ]),
  );
}
