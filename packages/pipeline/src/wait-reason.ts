import { isTransientError, SourceGone } from '@adtally/db';
import { KafkaError, troubleOf } from '@adtally/kafka';

/** Why something waits that should go on: for logs, `/status`, metrics and whoever looks from outside. */
export interface WaitReason {
  /** One short word in snake case: a label of metrics. Its meaning and what to do stand in docs/operations.md. */
  readonly code: string;
  /** One sentence with the coordinates and the server's own words. Never an object, never a secret. */
  readonly detail: string;
}

/** Something that asks for what is missing may say why by itself. */
export class WaitingError extends Error {
  override readonly name = 'WaitingError';
  readonly reason: WaitReason;

  constructor(reason: WaitReason, options?: ErrorOptions) {
    super(reason.detail, options);
    this.reason = reason;
  }
}

/** What a failure means for whoever waits because of it. Total: what nobody knows is `unknown_error`. */
export function reasonOf(error: unknown): WaitReason {
  if (error instanceof WaitingError) return error.reason;
  if (error instanceof KafkaError) return troubleOf(error);
  const detail = error instanceof Error ? error.message : String(error);
  if (error instanceof SourceGone) return { code: 'source_missing', detail };
  return { code: isTransientError(error) ? 'database_unavailable' : 'unknown_error', detail };
}
