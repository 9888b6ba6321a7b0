import { isTransientError } from '@adtally/db';
import { KafkaRequestError } from '@adtally/kafka';

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

const TOPIC_AUTHORIZATION = 29;
const GROUP_AUTHORIZATION = 30;
const CLUSTER_AUTHORIZATION = 31;
const AUTHENTICATION = -169;
const CODES_OF_KAFKA: ReadonlyMap<number, string> = new Map([
  [TOPIC_AUTHORIZATION, 'topic_authorization'],
  [GROUP_AUTHORIZATION, 'group_authorization'],
  [CLUSTER_AUTHORIZATION, 'cluster_authorization'],
  [AUTHENTICATION, 'broker_authentication'],
]);
/** Below zero are librdkafka's own codes: nothing was heard of the broker. */
const isUnheard = (code: number): boolean => code < 0;

/** What a failure means for whoever waits because of it. Total: what nobody knows is `unknown_error`. */
export function reasonOf(error: unknown): WaitReason {
  if (error instanceof WaitingError) return error.reason;
  const detail = error instanceof Error ? error.message : String(error);
  if (error instanceof KafkaRequestError) {
    const known = CODES_OF_KAFKA.get(error.code);
    return {
      code: known ?? (isUnheard(error.code) ? 'broker_unreachable' : 'broker_refuses'),
      detail,
    };
  }
  if (isTransientError(error)) return { code: 'database_unavailable', detail };
  return { code: 'unknown_error', detail };
}
