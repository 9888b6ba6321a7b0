import { identityOf } from '@adtally/breaking-run';
import type { EventType } from '@adtally/event-schema';
import type { Outcome, PlannedEvent, PlannedTruth } from '@adtally/event-simulator';

/** What a producer's acknowledged events are worth, and when their impression was born. */
interface KeptEvent {
  /** The payload that came first. */
  readonly version: number;
  readonly type: EventType;
  /** Null where the impression's id is no UUIDv7: no day takes it away. */
  readonly bornMs: number | null;
  readonly micros: bigint;
  readonly currency: string;
}

/** What `events` and the ledger must hold. Sums of micros by currency. */
export interface Holdings {
  readonly rows: number;
  readonly money: Readonly<Record<string, string>>;
}

export interface Outcomes {
  readonly stored: number;
  readonly duplicate: number;
  readonly conflict: number;
  /** Dead letters by code. */
  readonly rejected: Readonly<Record<string, number>>;
}

/**
 * What a life comes to, from producers' acknowledgements alone. Producers keep the order of copies; the horizon an
 * event is judged by is the one that stands when it is produced, so nobody may produce near it while it moves.
 */
export class LifeBooks {
  readonly #events = new Map<string, KeptEvent>();
  readonly #rejected = new Map<string, number>();
  readonly #future: PlannedEvent[] = [];
  #duplicate = 0;
  #conflict = 0;
  #records = 0;

  /** Enters one record that is judged while impressions born before `horizonMs` are expired. */
  enter(truth: PlannedTruth, outcome: Outcome, horizonMs: number): void {
    if (outcome !== 'acked') throw new Error(`a record was not acknowledged: ${outcome}`);
    this.#records += 1;
    if (truth.kind === 'rejected') {
      this.#reject(truth.code);
      if (truth.code === 'future') this.#future.push(truth.event);
      return;
    }
    const { event, version } = truth;
    const bornMs = bornMsOf(event.impressionId);
    if (bornMs !== null && bornMs < horizonMs) {
      this.#reject('expired');
      return;
    }
    this.#store(event, version);
  }

  /** An operator lets through what was born in the future. Returns how many letters that is. */
  acceptFuture(): number {
    const accepted = this.#future.splice(0);
    for (const event of accepted) this.#store(event, 0);
    return accepted.length;
  }

  #store(event: PlannedEvent, version: number): void {
    const identity = identityOf(event);
    const known = this.#events.get(identity);
    if (known === undefined) {
      const { type, currency } = event;
      const bornMs = bornMsOf(event.impressionId);
      this.#events.set(identity, { version, type, bornMs, currency, micros: BigInt(event.amount) });
    } else if (known.version === version) this.#duplicate += 1;
    else this.#conflict += 1;
  }

  /** Records produced so far. */
  get records(): number {
    return this.#records;
  }

  get outcomes(): Outcomes {
    return {
      stored: this.#events.size,
      duplicate: this.#duplicate,
      conflict: this.#conflict,
      rejected: Object.fromEntries([...this.#rejected].toSorted()),
    };
  }

  /** What is to be in `events` once all days before `horizonMs` are dropped. */
  holdings(horizonMs: number): Holdings {
    let rows = 0;
    const money = new Map<string, bigint>();
    for (const { bornMs, currency, micros } of this.#events.values()) {
      if (bornMs !== null && bornMs < horizonMs) continue;
      rows += 1;
      money.set(currency, (money.get(currency) ?? 0n) + micros);
    }
    const sums = [...money].map(([currency, sum]) => [currency, String(sum)]).toSorted();
    return { rows, money: Object.fromEntries(sums) as Record<string, string> };
  }

  /** How many events each dropped day took along, by its name YYYY-MM-DD. */
  droppedDays(horizonMs: number): Record<string, number> {
    const days = new Map<string, number>();
    for (const { bornMs } of this.#events.values()) {
      if (bornMs === null || bornMs >= horizonMs) continue;
      const day = new Date(bornMs).toISOString().slice(0, 10);
      days.set(day, (days.get(day) ?? 0) + 1);
    }
    return Object.fromEntries([...days].toSorted());
  }

  #reject(code: string): void {
    this.#rejected.set(code, (this.#rejected.get(code) ?? 0) + 1);
  }
}

const VERSION_DIGIT = 14;
const TIME_DIGITS = 12;

/** The time in a UUIDv7, ms since 1970; null in an id of another version. */
function bornMsOf(impressionId: string): number | null {
  if (impressionId[VERSION_DIGIT] !== '7') return null;
  return Number.parseInt(impressionId.replaceAll('-', '').slice(0, TIME_DIGITS), 16);
}
