import type { Database } from '@adtally/db';
import { KafkaAdmin, type KafkaSettings } from '@adtally/kafka';
import { progressLine } from '@adtally/command-line';
import type { Fleet } from './fleet.ts';
import { committedOf, type Position, readEnds, readPositions } from './position.ts';

/** Watches one run: where the cursors and the topic's ends are; shows it while it looks. */
export class Observer {
  readonly #db: Database;
  readonly #admin: KafkaAdmin;
  readonly #fleet: Fleet;
  readonly #topic: string;
  readonly #events: number;
  readonly #line = progressLine();
  #partitions = 0;
  #startedMs: number | undefined;
  #produced = 0;

  constructor(db: Database, kafka: KafkaSettings, fleet: Fleet, topic: string, events: number) {
    this.#db = db;
    this.#admin = new KafkaAdmin(kafka);
    this.#fleet = fleet;
    this.#topic = topic;
    this.#events = events;
  }

  /** From now on events are produced. */
  begin(): void {
    this.#startedMs = performance.now();
  }

  noteProduced(records: number): void {
    this.#produced = records;
  }

  /** @throws DemoError when a consumer ended by itself or a partition halted. */
  async look(): Promise<Position[]> {
    this.#fleet.checkAlive();
    const positions = await readPositions(this.#db, this.#topic);
    this.#line.update(this.#text(committedOf(positions)));
    return positions;
  }

  async partitions(): Promise<number> {
    if (this.#partitions === 0) {
      this.#partitions = (await this.#admin.describeTopic(this.#topic))?.partitions.length ?? 0;
    }
    return this.#partitions;
  }

  async ends(): Promise<number[]> {
    return await readEnds(this.#admin, this.#topic, await this.partitions());
  }

  /** Seconds since events are produced. */
  seconds(): number {
    return this.#startedMs === undefined ? 0 : (performance.now() - this.#startedMs) / 1000;
  }

  /** A line that stays, above the one that moves. */
  tell(text: string): void {
    this.#line.finish(text);
  }

  close(): void {
    this.#line.finish();
    this.#admin.close();
  }

  #text(committed: number): string {
    if (this.#startedMs === undefined) return 'two consumers start and share the partitions';
    return progressText({
      events: this.#events,
      // An acknowledgement may be learnt of after its record was counted.
      produced: Math.max(this.#produced, committed),
      committed,
      elapsedMs: this.seconds() * 1000,
    });
  }
}

export interface ProgressFacts {
  readonly events: number;
  readonly produced: number;
  readonly committed: number;
  readonly elapsedMs: number;
}

/** One line on how far the run is; the rate is the average since the start. */
export function progressText({ events, produced, committed, elapsedMs }: ProgressFacts): string {
  const rate = elapsedMs > 0 ? Math.round((committed / elapsedMs) * 1000) : 0;
  const lag = produced - committed;
  const number = (value: number): string => value.toLocaleString('en');
  return (
    `produced ${number(produced)}, counted ${number(committed)} of ${number(events)}, ` +
    `${number(rate)}/s, lag ${number(lag)}`
  );
}
