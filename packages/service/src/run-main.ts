import { ConfigError } from '@adtally/config';
import { exitCodeOf } from './service.ts';

export interface MainOptions<C> {
  /** Reads and checks the configuration; throws ConfigError. */
  readonly load: () => C;
  /** The configuration for people, secrets masked. */
  readonly describe: (config: C) => Readonly<Record<string, string>>;
  readonly run: (config: C) => Promise<void>;
  /** Arguments after the script's name. */
  readonly argv: readonly string[];
}

/**
 * The frame of every app's main: `--check-config` only checks (exit 0 or 78) and prints what is in
 * effect; a wrong configuration names all its problems on standard error and exits 78.
 */
export async function runMain<C>(options: MainOptions<C>): Promise<void> {
  try {
    const config = options.load();
    if (options.argv.includes('--check-config')) {
      const lines = Object.entries(options.describe(config)).map(
        ([name, value]) => `${name}=${value}`,
      );
      process.stdout.write(`${lines.join('\n')}\nconfiguration ok\n`);
      return;
    }
    await options.run(config);
  } catch (error) {
    process.exitCode = exitCodeOf(error);
    process.stderr.write(
      error instanceof ConfigError ? problemText(error) : `${errorText(error)}\n`,
    );
  }
}

function problemText(error: ConfigError): string {
  return `configuration is wrong:\n${error.problems.map((problem) => `  - ${problem}\n`).join('')}`;
}

function errorText(error: unknown): string {
  return JSON.stringify(error instanceof Error ? (error.stack ?? error.message) : String(error));
}
