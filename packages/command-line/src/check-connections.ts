import { EXIT, exitCodeOf, type ExitCode } from './exit-codes.ts';
import { flag } from './parameters.ts';

/** The option of every program that works with servers. */
export const CHECK_CONNECTIONS_OPTION = {
  'check-connections': flag(
    'only try each server once and say in a line what works, or why not (exit 69 or 78); changes nothing',
  ),
} as const;

/** How one server is tried. */
export interface ConnectionCheck {
  /** With the variable that names it: `Kafka (KAFKA_BROKERS)`. */
  readonly server: string;
  /** Connects, looks at what the program needs there, and answers with what works. Bounded in time. */
  readonly attempt: () => Promise<string>;
  /** What a failure means (docs/adr/0016); null where it is none of the server's. */
  readonly explain: (error: unknown) => Failure | null;
}

interface Failure {
  readonly kind: 'hopeless' | 'refused' | 'away';
  readonly code: string;
  readonly detail: string;
}

interface Outcome {
  readonly line: string;
  readonly exitCode: ExitCode;
}

/**
 * Tries all of them at once and prints a line each, in the order given. The exit code is the gravest: 78 where a server
 * does not let us work, 69 where one does not answer.
 */
export async function tellConnections(checks: readonly ConnectionCheck[]): Promise<number> {
  const outcomes = await Promise.all(checks.map(outcomeOf));
  for (const { line } of outcomes) process.stdout.write(`${line}\n`);
  const codes = outcomes.map(({ exitCode }) => exitCode);
  const gravest = [EXIT.configuration, EXIT.failure, EXIT.unavailable] as const;
  return gravest.find((code) => codes.includes(code)) ?? EXIT.success;
}

async function outcomeOf({ server, attempt, explain }: ConnectionCheck): Promise<Outcome> {
  try {
    return { line: `${server}: ok: ${await attempt()}`, exitCode: EXIT.success };
  } catch (error) {
    const failure = explain(error);
    const said = failure?.detail ?? (error instanceof Error ? error.message : String(error));
    const detail = said.replaceAll(/\s*\n\s*/g, ' ');
    if (failure !== null) {
      const isAway = failure.kind === 'away';
      return {
        line: `${server}: FAILED: ${detail} (${failure.code})`,
        exitCode: isAway ? EXIT.unavailable : EXIT.configuration,
      };
    }
    const isConfiguration = exitCodeOf(error) === EXIT.configuration;
    return {
      line: `${server}: FAILED: ${detail}`,
      exitCode: isConfiguration ? EXIT.configuration : EXIT.failure,
    };
  }
}
