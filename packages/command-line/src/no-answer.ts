import { CommandError } from './errors.ts';
import { EXIT } from './exit-codes.ts';

/** A server as its user knows it. */
export interface Server {
  /** `PostgreSQL`, `Kafka`. */
  readonly title: string;
  /** `host:port`, for several with commas; no user and no password. */
  readonly address: string;
  /** The environment variable that names it. */
  readonly variable: string;
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'the connection was cut',
  EPIPE: 'the connection was cut',
  ENOENT: 'its socket is not there',
  ETIMEDOUT: 'timed out',
  EHOSTUNREACH: 'no way to this host',
  EHOSTDOWN: 'this host is down',
  ENETUNREACH: 'no way to this network',
  ENETDOWN: 'the network is down',
  EADDRNOTAVAIL: 'no local address is free',
  EMFILE: 'this process has too many files open',
  ENFILE: 'this machine has too many files open',
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'its name cannot be resolved now',
};

/**
 * The one way to say that a server does not answer: one sentence with its address, the variable that
 * names it and the reason. Exit code 69.
 */
export function noAnswer(server: Server, cause?: unknown): CommandError {
  const reason = cause === undefined ? '' : `: ${reasonOf(cause)}`;
  return new CommandError(`${phraseOf(server)} does not answer${reason}`, {
    exitCode: EXIT.unavailable,
    cause,
  });
}

/** The server is there and does not let us in: a wrong login, no such database. Exit code 78. */
export function refusedBy(server: Server, cause: unknown): CommandError {
  return new CommandError(`${phraseOf(server)} refuses us: ${reasonOf(cause)}`, {
    exitCode: EXIT.configuration,
    cause,
  });
}

function phraseOf({ title, address, variable }: Server): string {
  return `${title} at ${address} (${variable})`;
}

function reasonOf(cause: unknown): string {
  // Node tried several addresses of one name: the first reason stands for them.
  const error: unknown = cause instanceof AggregateError ? cause.errors[0] : cause;
  if (!(error instanceof Error)) return String(error);
  const { code } = error as NodeJS.ErrnoException;
  return REASONS[String(code)] ?? (error.message || String(code));
}
