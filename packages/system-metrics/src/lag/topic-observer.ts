import { KafkaError, troubleOf, type KafkaAdmin, type LogPoint } from '@adtally/kafka';
import { RecurringTask } from '@adtally/pacing';
import type { Reason } from './reason.ts';

/** What the brokers last said of one partition; times are of the monotonic clock. */
export interface PartitionView {
  readonly hasLeader: boolean;
  /** One past the last record; null where it was never read. */
  readonly end: number | null;
  readonly endReadMs: number;
  /** Asked only where it is needed. */
  readonly start: number | null;
  readonly stableEnd: number | null;
  /** Why the end could not be read at the last look. */
  readonly failure: Reason | null;
}

/** What the brokers last said of a topic. */
export interface TopicView {
  /** When the topic was last described; -Infinity where it never was. */
  readonly describedMs: number;
  /** Null: it does not exist. */
  readonly topicId: string | null;
  readonly partitions: ReadonlyMap<number, PartitionView>;
  /** Why it could not be described at the last look. */
  readonly failure: Reason | null;
}

/** What is asked of a topic beside its partitions and their ends. */
export interface Wanted {
  readonly topic: string;
  readonly starts: readonly number[];
  readonly stableEnds: readonly number[];
}

/** A partition and the broker that leads it. */
interface Led {
  readonly partition: number;
  readonly leader: number | null;
}
type Points = Map<number, number | KafkaError>;

const UNSEEN: TopicView = {
  describedMs: -Infinity,
  topicId: null,
  partitions: new Map(),
  failure: null,
};

/**
 * Asks the brokers of the counted topics every few seconds, by itself: how long they take, or whether they answer at
 * all, holds up nobody who looks at what they said last.
 */
export class TopicObserver {
  readonly #admin: KafkaAdmin;
  readonly #asking: RecurringTask;
  readonly #views = new Map<string, TopicView>();
  readonly #asked = Promise.withResolvers<void>();
  #wanted: readonly Wanted[] = [];
  /** When a broker answered last, or nothing was to be asked. */
  #answeredMs = performance.now();
  /** Leaders that did not answer in this look, and how: they are waited for once. */
  readonly #silent = new Map<number | null, KafkaError>();

  constructor(admin: KafkaAdmin, everyMs: number) {
    this.#admin = admin;
    this.#asking = new RecurringTask({
      everyMs,
      firstAfterMs: 0,
      run: async (signal) => {
        await this.#ask(signal);
        this.#asked.resolve();
      },
      // Every question has its own answer, also when it fails.
      onError: () => undefined,
    });
  }

  start(): void {
    this.#asking.start();
  }

  /** For how long no broker has answered though it was asked. */
  get silentMs(): number {
    return performance.now() - this.#answeredMs;
  }

  /** Resolves once everything was asked for the first time. */
  get asked(): Promise<void> {
    return this.#asked.promise;
  }

  /** Waits for the request in hand, in which the client waits ten seconds at most. */
  async stop(): Promise<void> {
    await this.#asking.stop();
  }

  /** Names the topics to ask about, from the next look on; others are forgotten. */
  want(wanted: readonly Wanted[]): void {
    this.#wanted = wanted;
    const topics = new Set(wanted.map(({ topic }) => topic));
    for (const topic of this.#views.keys()) if (!topics.has(topic)) this.#views.delete(topic);
  }

  view(topic: string): TopicView {
    const view = this.#views.get(topic);
    if (view !== undefined) return view;
    // The first answer is awaited: the client may have said why it takes long.
    const { trouble } = this.#admin;
    return trouble === null
      ? UNSEEN
      : { ...UNSEEN, failure: { code: trouble.code, detail: trouble.message } };
  }

  async #ask(signal: AbortSignal): Promise<void> {
    this.#silent.clear();
    if (this.#wanted.length === 0) this.#answeredMs = performance.now();
    for (const wanted of this.#wanted) {
      if (signal.aborted) return;
      const before = this.view(wanted.topic);
      try {
        this.#views.set(wanted.topic, await this.#look(wanted, before));
      } catch (error) {
        this.#views.set(wanted.topic, { ...before, failure: reasonOf(error) });
      }
    }
  }

  async #look({ topic, starts, stableEnds }: Wanted, before: TopicView): Promise<TopicView> {
    const described = await this.#admin.describeTopic(topic);
    const describedMs = performance.now();
    this.#answeredMs = describedMs;
    if (described === null) return { ...UNSEEN, describedMs };
    const { topicId } = described;
    const led = described.partitions.filter(({ leader }) => leader !== null);
    const among = (some: readonly number[]) =>
      led.filter(({ partition }) => some.includes(partition));
    const ends = await this.#points(topic, led, 'end');
    const first = await this.#points(topic, among(starts), 'start');
    const stable = await this.#points(topic, among(stableEnds), 'stable_end');
    const readMs = performance.now();
    const partitions = new Map<number, PartitionView>();
    for (const { partition, leader } of described.partitions) {
      // An end of a topic that was there before under this name is none of this one's.
      const known = before.topicId === topicId ? before.partitions.get(partition) : undefined;
      const end = ends.get(partition);
      const isRead = typeof end === 'number';
      partitions.set(partition, {
        hasLeader: leader !== null,
        end: isRead ? end : (known?.end ?? null),
        endReadMs: isRead ? readMs : (known?.endReadMs ?? -Infinity),
        start: offsetIn(first, partition) ?? known?.start ?? null,
        stableEnd: offsetIn(stable, partition),
        failure: isRead || end === undefined ? null : reasonOf(end),
      });
    }
    return { describedMs, topicId, partitions, failure: null };
  }

  /** Asks each leader for its own partitions: one that is silent would fail a request to several. */
  async #points(topic: string, partitions: readonly Led[], point: LogPoint): Promise<Points> {
    const points: Points = new Map();
    for (const [leader, led] of Map.groupBy(partitions, (one) => one.leader)) {
      const numbers = led.map(({ partition }) => partition);
      try {
        const silence = this.#silent.get(leader);
        if (silence !== undefined) throw silence;
        for (const [partition, answer] of await this.#admin.logPoints(topic, numbers, point)) {
          points.set(partition, answer);
        }
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error;
        this.#silent.set(leader, error);
        for (const partition of numbers) points.set(partition, error);
      }
    }
    return points;
  }
}

function offsetIn(points: Points, partition: number): number | null {
  const point = points.get(partition);
  return typeof point === 'number' ? point : null;
}

function reasonOf(error: unknown): Reason {
  if (error instanceof KafkaError) return troubleOf(error);
  const detail = error instanceof Error ? error.message : String(error);
  return { code: 'broker_unreachable', detail };
}
