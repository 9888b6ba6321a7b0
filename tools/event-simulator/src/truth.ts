import { EVENT_TYPES, type EventType } from '@adtally/event-schema';
import type { MalformedKind } from './mix.ts';
import type { PlannedTruth } from './planned-record.ts';

/** What the books need to know of a record: a planned truth, or one read back from a journal. */
export type Entry =
  | (Omit<Extract<PlannedTruth, { kind: 'event' }>, 'event'> & {
      readonly event: {
        readonly type: EventType;
        readonly amount: string;
        readonly currency: string;
      };
    })
  | Omit<Extract<PlannedTruth, { kind: 'rejected' }>, 'event'>;

/** What the broker said about a record; `unknown`: no answer, it may or may not be in the topic. */
export type Outcome = 'acked' | 'failed' | 'unknown';

/** What the database must hold once the topic is drained. Counts are of acknowledged records. */
export interface Truth {
  readonly attempted: number;
  readonly acked: number;
  readonly failed: number;
  /** Above 0 the rest is a lower bound only. */
  readonly unknown: number;
  readonly unique: number;
  readonly duplicate: number;
  readonly conflict: number;
  /** By rejection code. */
  readonly dead_lettered: Readonly<Record<string, number>>;
  /** Micros of the unique events by currency, decimal digits (sums exceed 2^53). */
  readonly money: Readonly<Record<string, string>>;
  /** Unique events by type. */
  readonly by_event_type: Readonly<Record<EventType, number>>;
  /** Valid records, copies included, that lie elsewhere than their impression id says. */
  readonly misrouted: number;
  /** Fields the contract does not know, in valid records, copies included. */
  readonly unknown_fields: number;
  /** Valid records whose impression was born long before they arrived. */
  readonly late: number;
}

const UNSEEN = 0;

/**
 * The simulator's own books. Told of every attempted record in the order of producing; as one producer
 * keeps the order within a partition, and copies that differ share a partition, the first acknowledged
 * payload of an identity is the one the database keeps.
 */
export class Books {
  /** By identity: the first acknowledged version + 1. */
  #first = new Uint8Array(1024);
  #attempted = 0;
  #acked = 0;
  #failed = 0;
  #unknown = 0;
  #unique = 0;
  #duplicate = 0;
  #conflict = 0;
  #misrouted = 0;
  #unknownFields = 0;
  #late = 0;
  readonly #deadLettered = new Map<MalformedKind, number>();
  readonly #money = new Map<string, bigint>();
  readonly #byType = new Map<EventType, number>(EVENT_TYPES.map((type) => [type, 0]));

  enter(truth: Entry, outcome: Outcome): void {
    this.#attempted += 1;
    switch (outcome) {
      case 'failed':
        this.#failed += 1;
        return;
      case 'unknown':
        this.#unknown += 1;
        return;
      case 'acked':
        this.#acked += 1;
        break;
      default:
        outcome satisfies never;
    }
    if (truth.kind === 'rejected') {
      this.#deadLettered.set(truth.code, (this.#deadLettered.get(truth.code) ?? 0) + 1);
      return;
    }
    this.#misrouted += truth.misrouted ? 1 : 0;
    this.#unknownFields += truth.unknownFields;
    this.#late += truth.late ? 1 : 0;
    const first = this.#firstOf(truth.identity);
    if (first === truth.version + 1) this.#duplicate += 1;
    else if (first !== UNSEEN) this.#conflict += 1;
    else this.#countUnique(truth);
  }

  truth(): Truth {
    const money = [...this.#money].toSorted(byName).map(([name, sum]) => [name, sum.toString()]);
    return {
      attempted: this.#attempted,
      acked: this.#acked,
      failed: this.#failed,
      unknown: this.#unknown,
      unique: this.#unique,
      duplicate: this.#duplicate,
      conflict: this.#conflict,
      dead_lettered: Object.fromEntries([...this.#deadLettered].toSorted(byName)),
      money: Object.fromEntries(money) as Record<string, string>,
      by_event_type: Object.fromEntries(this.#byType) as Record<EventType, number>,
      misrouted: this.#misrouted,
      unknown_fields: this.#unknownFields,
      late: this.#late,
    };
  }

  #countUnique({ identity, version, event }: Extract<Entry, { kind: 'event' }>): void {
    this.#first[identity] = version + 1;
    this.#unique += 1;
    this.#byType.set(event.type, (this.#byType.get(event.type) ?? 0) + 1);
    const sum = this.#money.get(event.currency) ?? 0n;
    this.#money.set(event.currency, sum + BigInt(event.amount));
  }

  #firstOf(identity: number): number {
    if (identity >= this.#first.length) {
      const larger = new Uint8Array(Math.max(identity + 1, this.#first.length * 2));
      larger.set(this.#first);
      this.#first = larger;
    }
    return this.#first[identity] as number;
  }
}

function byName(left: readonly [string, unknown], right: readonly [string, unknown]): number {
  return left[0] < right[0] ? -1 : 1;
}
