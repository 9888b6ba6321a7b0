const failures = new WeakSet<Error>();

/** Marks whatever went wrong while a connection was opened, until its first query may run. */
export function noteConnectFailure(error: unknown): void {
  if (error instanceof Error) failures.add(error);
}

/**
 * Whether an error is of a connection that was never had. Then nothing was asked of the server, and whatever
 * it is (a password changed, a certificate expired) the same may be asked again.
 */
export function isConnectFailure(error: unknown): boolean {
  return error instanceof Error && failures.has(error);
}
