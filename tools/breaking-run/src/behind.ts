import { KafkaAdmin } from '@adtally/kafka';
import type { World } from './world.ts';

/** What is on its way at any moment, of one partition. */
const ON_ITS_WAY_SECONDS = 4;
const ON_ITS_WAY_MIN = 10;
const UNANSWERED_MS = 3_000;

/** Log end minus cursor, by `topic[partition]`. */
export type Behind = ReadonlyMap<string, number>;

/**
 * Ends of all logs minus all cursors, read past the services: from the brokers' own listener and as superuser. A
 * partition without a cursor counts whole; a topic that is gone has nothing.
 */
export async function recordsBehind({ servers, names, db }: World): Promise<Behind> {
  const cursors = await db
    .selectFrom('sources')
    .innerJoin('cursors', 'cursors.source_id', 'sources.source_id')
    .select(['topic', 'partition', 'next_offset'])
    .where('kind', 'in', ['events', 'dlq'])
    .where('closed_at', 'is', null)
    .execute();
  const brokers = servers.kafka.internalBrokers;
  const admin = new KafkaAdmin({ brokers, clientId: 'breaking-run', security: {} });
  try {
    const behind = new Map<string, number>();
    for (const topic of [names.events, names.dlq]) {
      const { partitions = [] } = (await admin.describeTopic(topic)) ?? {};
      for (const { partition } of partitions) {
        const { end } = await admin.watermarks(topic, partition);
        const cursor = cursors.find((one) => one.topic === topic && one.partition === partition);
        const records = end - Number(cursor?.next_offset ?? 0);
        behind.set(`${topic}[${partition}]`, Math.max(0, records));
      }
    }
    return behind;
  } finally {
    admin.close();
  }
}

/** The partitions that have more than is on its way when everything works, each with its records; empty: none. */
export function waiting(behind: Behind, { load, partitions }: World): string[] {
  const onTheirWay = ON_ITS_WAY_MIN + (load.rate / partitions) * ON_ITS_WAY_SECONDS;
  return [...behind]
    .filter(([, records]) => records > onTheirWay)
    .map(([partition, records]) => `${records} of ${partition}`);
}

/** Measures for how long at a stretch records stayed uncounted, for as long as it runs. */
export class WaitClock {
  longestSeconds = 0;
  readonly #world: World;
  #isOver = false;
  readonly #running: Promise<void>;

  constructor(world: World) {
    this.#world = world;
    this.#running = this.#run();
  }

  async stop(): Promise<number> {
    this.#isOver = true;
    await this.#running;
    return this.longestSeconds;
  }

  async #run(): Promise<void> {
    let sinceMs: number | null = null;
    while (!this.#isOver) {
      const waits = await this.#waits();
      if (!waits) sinceMs = null;
      else {
        sinceMs ??= performance.now();
        const seconds = (performance.now() - sinceMs) / 1_000;
        this.longestSeconds = Math.max(this.longestSeconds, seconds);
      }
      await pause(1_000);
    }
  }

  /** A server that cannot be asked counts nothing either. */
  async #waits(): Promise<boolean> {
    const isWaiting = recordsBehind(this.#world).then(
      (behind) => waiting(behind, this.#world).length > 0,
      () => true,
    );
    return await Promise.race([isWaiting, pause(UNANSWERED_MS).then(() => true)]);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
