/**
 * What a failure at a server means for a process that waits for it. Each adapter has one total table of its
 * server's errors; what follows is decided in one place, `ServerStanding` of the service package (ADR 16).
 *
 * - `hopeless`: waiting cannot help: an address that is none, a parameter the server does not take, a protocol
 *   it does not speak, a certificate that does not verify
 * - `refused`: the server is there and does not let us: a password, a role, a right, a database that is missing
 * - `away`: nothing answers, or it takes nobody just now
 */
export interface ServerFailure {
  readonly kind: 'hopeless' | 'refused' | 'away';
  /** One short word in snake case, for logs and metrics. */
  readonly code: string;
  /** One sentence in the server's or the client's own words; never a secret. */
  readonly detail: string;
}
