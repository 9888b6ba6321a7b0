import { isTransientError, SourceGone } from '@adtally/db';
import { KafkaRequestError } from '@adtally/kafka';

/**
 * Whether a server, Kafka or PostgreSQL, is away or cannot answer just now, or went back: the same may be asked
 * again, from the beginning.
 */
export function isPassing(error: unknown): boolean {
  if (error instanceof SourceGone) return true;
  return error instanceof KafkaRequestError ? error.transient : isTransientError(error);
}
