import type { FreshReport, PartitionLag, SourcePosition } from '@adtally/db';
import type { LogPlace } from '@adtally/kafka';
import type { AppendAges } from './append-ages.ts';
import { judge, spanOf, topicReports, type Evidence } from './judge.ts';
import { PartitionHistory } from './partition-history.ts';
import type { TopicObserver, Wanted } from './topic-observer.ts';

/** By topic, the partitions that are counted here, where another database counts the others. */
type Shares = ReadonlyMap<string, ReadonlySet<number>>;

/** What a look at everything found. */
export interface Found {
  readonly partitions: readonly PartitionLag[];
  /** The consumer groups that report each counted topic; more than one count it against each other. */
  readonly contested: ReadonlyMap<string, readonly string[]>;
}

/** Brings together what the database and the brokers say of each partition, look by look. */
export class LagLook {
  readonly #observer: TopicObserver;
  readonly #ages: AppendAges;
  readonly #stuckAfterMs: number;
  #histories = new Map<string, PartitionHistory>();

  constructor(observer: TopicObserver, ages: AppendAges, stuckAfterMs: number) {
    this.#observer = observer;
    this.#ages = ages;
    this.#stuckAfterMs = stuckAfterMs;
  }

  /** One look; what it finds missing is asked for until the next one. */
  take(
    positions: readonly SourcePosition[],
    reports: readonly FreshReport[],
    shares: Shares = new Map(),
  ): Found {
    const nowMs = performance.now();
    const clock = { nowMs, unixMs: Date.now(), stuckAfterMs: this.#stuckAfterMs };
    const evidence = this.#gather(positions, reports, shares, nowMs);
    this.#histories = new Map(evidence.map((one) => [keyOf(one), one.history]));
    const partitions = evidence.map((one) => {
      const { topic, partition } = one;
      return judge(one, (offset) => this.#ages.appendMs({ topic, partition, offset }), clock);
    });
    this.#askFor(evidence, partitions);
    const contested = new Map<string, readonly string[]>();
    for (const { topic, reports: all } of evidence) contested.set(topic, all.groups);
    return { partitions, contested };
  }

  #gather(
    positions: readonly SourcePosition[],
    reports: readonly FreshReport[],
    shares: Shares,
    nowMs: number,
  ): Evidence[] {
    const topics = Map.groupBy(positions, ({ kind, topic }) => JSON.stringify([kind, topic]));
    const reportsOf = Map.groupBy(reports, ({ topic }) => topic);
    return [...topics.values()].flatMap((ofTopic) => {
      const [{ kind, topic }] = ofTopic as [SourcePosition];
      const view = this.#observer.view(topic);
      const said = topicReports(reportsOf.get(topic) ?? []);
      const known = new Map(ofTopic.map((position) => [position.partition, position]));
      const share = kind === 'events' ? shares.get(topic) : undefined;
      const ours = [...view.partitions.keys()].filter((one) => share?.has(one) !== false);
      const numbers = new Set([...known.keys(), ...ours]);
      return [...numbers]
        .toSorted((a, b) => a - b)
        .map((partition) => ({
          kind,
          topic,
          partition,
          position: known.get(partition) ?? null,
          view,
          reports: said,
          history:
            this.#histories.get(keyOf({ kind, topic, partition })) ?? new PartitionHistory(nowMs),
        }));
    });
  }

  #askFor(evidence: readonly Evidence[], found: readonly PartitionLag[]): void {
    const wanted = new Map<string, { topic: string; starts: number[]; stableEnds: number[] }>();
    const places: LogPlace[] = [];
    for (const [index, one] of evidence.entries()) {
      const { topic, partition, position, view, history } = one;
      const { lagRecords, stuck } = found[index] as PartitionLag;
      const of = wanted.get(topic) ?? { topic, starts: [], stableEnds: [] };
      wanted.set(topic, of);
      // Where to begin is asked of the log only where no cursor says it.
      if (position === null || position.topicId !== view.topicId) of.starts.push(partition);
      if (stuck !== null) of.stableEnds.push(partition);
      const mustRead = (lagRecords ?? 0) > 0 && history.youngerThanMs === null;
      if (mustRead) places.push({ topic, partition, offset: spanOf(one).cursor });
    }
    this.#observer.want([...wanted.values()] satisfies Wanted[]);
    this.#ages.look(places);
  }
}

function keyOf({ kind, topic, partition }: Pick<Evidence, 'kind' | 'topic' | 'partition'>): string {
  return JSON.stringify([kind, topic, partition]);
}
