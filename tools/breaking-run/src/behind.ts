import { KafkaAdmin } from '@adtally/kafka';
import type { World } from './world.ts';

/** What is on its way at any moment. */
const ON_ITS_WAY_SECONDS = 4;
const UNANSWERED_MS = 3_000;

/**
 * Ends of all logs minus all cursors, read past the services: from the brokers' own listener and as superuser. A
 * partition without a cursor counts whole; a topic that is gone has nothing.
 */
export async function recordsBehind({ servers, names, db }: World): Promise<number> {
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
    let behind = 0;
    for (const topic of [names.events, names.dlq]) {
      const { partitions = [] } = (await admin.describeTopic(topic)) ?? {};
      for (const { partition } of partitions) {
        const { end } = await admin.watermarks(topic, partition);
        const cursor = cursors.find((one) => one.topic === topic && one.partition === partition);
        behind += Math.max(0, end - Number(cursor?.next_offset ?? 0));
      }
    }
    return behind;
  } finally {
    admin.close();
  }
}

/** More than is on its way when everything works. */
export function isBehind(records: number, { load }: World): boolean {
  return records > load.rate * ON_ITS_WAY_SECONDS;
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
    const records = recordsBehind(this.#world).catch(() => Infinity);
    return isBehind(
      await Promise.race([records, pause(UNANSWERED_MS).then(() => Infinity)]),
      this.#world,
    );
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
