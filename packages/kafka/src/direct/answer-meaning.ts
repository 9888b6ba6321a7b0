import type { PartitionAnswer } from './fetch-protocol.ts';
import type { Hindrance } from '../record-source.ts';
import type { ReadFault } from './partition-reading.ts';

/** What follows from a partition's answer. */
export type AnswerMeaning =
  | { readonly kind: 'records' }
  /** It cannot say whether its log is the one that was read before. */
  | { readonly kind: 'epoch_unknown' }
  /** It holds what was read up to here, and then goes its own way. */
  | { readonly kind: 'diverged'; readonly at: number }
  | { readonly kind: 'out_of_range' }
  /** It is read no further. */
  | { readonly kind: 'fault'; readonly fault: ReadFault }
  /** Asked again after a pause, of whoever leads it by then. */
  | { readonly kind: 'later'; readonly hindrance: Hindrance };

const NO_ERROR = 0;
const OFFSET_OUT_OF_RANGE = 1;
const CORRUPT_MESSAGE = 2;
const TOPIC_AUTHORIZATION_FAILED = 29;
const ELSEWHERE: ReadonlyMap<number, string> = new Map([
  [3, 'the broker does not know the partition'],
  [5, 'the partition has no leader'],
  [6, 'another broker leads the partition'],
  [9, 'the replica is away'],
  [74, 'the partition has a newer leader than we know'],
  [75, 'the broker does not know the newest leader yet'],
  [100, 'the broker does not know the topic by its id'],
  [103, 'the topic has another id'],
]);

/**
 * Total: an error that it does not know is waited out (codes:
 * https://kafka.apache.org/protocol#protocol_error_codes).
 *
 * @param position the offset that was asked for
 */
export function meaningOf(answer: PartitionAnswer, position: number): AnswerMeaning {
  const { error, divergedAt } = answer;
  const elsewhere = ELSEWHERE.get(error);
  if (elsewhere !== undefined) {
    const detail = `${elsewhere} (error ${error})`;
    return { kind: 'later', hindrance: { code: 'leader_missing', detail } };
  }
  switch (error) {
    case NO_ERROR:
      if (divergedAt === null) return { kind: 'records' };
      // Also told of an epoch that the broker never knew, though all that was read is there.
      return divergedAt.endOffset < position
        ? { kind: 'diverged', at: divergedAt.endOffset }
        : { kind: 'epoch_unknown' };
    case OFFSET_OUT_OF_RANGE:
      return { kind: 'out_of_range' };
    case CORRUPT_MESSAGE: {
      const detail = 'the broker itself finds the batch damaged';
      return { kind: 'fault', fault: { kind: 'unreadable', position, end: null, detail } };
    }
    case TOPIC_AUTHORIZATION_FAILED: {
      const detail = 'Broker: Topic authorization failed';
      return { kind: 'later', hindrance: { code: 'topic_authorization', detail } };
    }
    default: {
      const detail = `the broker answers with error ${error}`;
      return { kind: 'later', hindrance: { code: 'broker_error', detail } };
    }
  }
}
