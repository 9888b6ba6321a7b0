import type { EnvField } from './fields.ts';

/** The variables of a process. */
export type Env = Readonly<Record<string, string | undefined>>;
export type ConfigOf<S> = {
  readonly [K in keyof S]: S[K] extends EnvField<infer T> ? T : never;
};

/** sysexits.h EX_CONFIG: a wrong configuration or schema; restarting changes nothing. */
export const EXIT_CONFIG = 78;

/** Everything that is wrong with a configuration, at once. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly exitCode = EXIT_CONFIG;
  /** One sentence a problem, each naming its variable. */
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`configuration: ${problems.join('; ')}`);
    this.problems = problems;
  }
}

/** Gathers what is wrong in several places, so that all of it is named at once. */
export class ConfigProblems {
  readonly #problems: string[] = [];

  /** What `read` returns, or null where it throws; the reasons are kept. */
  collect<T>(read: () => T): T | null {
    try {
      return read();
    } catch (error) {
      this.add(error instanceof ConfigError ? error.problems : [(error as Error).message]);
      return null;
    }
  }

  add(problems: readonly string[]): void {
    this.#problems.push(...problems);
  }

  error(): ConfigError {
    return new ConfigError(this.#problems);
  }
}

/**
 * Reads every field from `env`; unset and empty mean the default. `crossCheck` returns sentences on
 * values that do not go together and runs only when each is fine alone. Frozen result; throws
 * ConfigError with all problems, in which no secret is quoted.
 */
export function loadEnv<S extends Readonly<Record<string, EnvField<any>>>>(
  schema: S,
  env: Env,
  crossCheck: (config: ConfigOf<S>) => readonly string[] = () => [],
): ConfigOf<S> {
  const problems: string[] = [];
  const values: Record<string, unknown> = {};
  for (const [key, declared] of Object.entries(schema)) {
    const given = env[declared.variable];
    const value = given === undefined || given === '' ? declared.defaultText : given;
    if (value === undefined) {
      problems.push(`${declared.variable} is required: ${declared.allowed}`);
      continue;
    }
    values[key] = declared.parse(value);
    if (values[key] === undefined) problems.push(describeProblem(declared, value));
  }
  if (problems.length > 0) throw new ConfigError(problems);
  const config = Object.freeze(values) as ConfigOf<S>;
  const conflicts = crossCheck(config);
  if (conflicts.length > 0) throw new ConfigError(conflicts);
  return config;
}

/** Every variable with its value in effect, safe to print. */
export function describeConfig<S extends Readonly<Record<string, EnvField<any>>>>(
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

const QUOTED_CHARACTERS_MAX = 80;

function describeProblem(declared: EnvField<any>, value: string): string {
  // A mistyped URL may hold a password where a mask would not find it: never quoted.
  const hidden = declared.secret || value.includes('://') || value.includes('@');
  const quoted = hidden ? 'its value' : JSON.stringify(value.slice(0, QUOTED_CHARACTERS_MAX));
  const fallback =
    declared.defaultText === undefined ? '' : ` (default ${JSON.stringify(declared.defaultText)})`;
  return `${declared.variable}: ${quoted} is not allowed; give ${declared.allowed}${declared.secret ? '' : fallback}`;
}
