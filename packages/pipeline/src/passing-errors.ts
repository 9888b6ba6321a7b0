import { isTransientError } from '@adtally/db';
import { KafkaRequestError } from '@adtally/kafka';

/** Whether a server, Kafka or PostgreSQL, is away or cannot answer just now: the same may be asked again. */
export function isPassing(error: unknown): boolean {
  return error instanceof KafkaRequestError ? error.transient : isTransientError(error);
}
