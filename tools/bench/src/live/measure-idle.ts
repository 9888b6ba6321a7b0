import { setTimeout as sleep } from 'node:timers/promises';
import { AckedProducer } from '@adtally/kafka';
import type { Client } from 'pg';
import { BenchError } from '../errors.ts';
import type { Bench } from '../lines/bench.ts';
import { PROFILES } from '../preload/profiles.ts';
import { endsOf, readAppendTimes } from './append-times.ts';
import { readCommits } from './commits.ts';
import { recount } from './recount.ts';
import { withLiveService } from './run-live.ts';
import { StampedRecords } from './stamped-records.ts';

export interface IdleMeasurement {
  /** From the append of each event until another session saw it committed, milliseconds. */
  readonly visibleMs: readonly number[];
  /** From what the ledger calls its commit until it was seen: the flush, the answer, and the look itself. */
  readonly afterLedgerMs: readonly number[];
  readonly problems: readonly string[];
}

/** Not a multiple of anything that the service does on a clock. */
const PAUSE_MS = 97;
const PAUSE_SPREAD_MS = 41;
const WARM_UP_EVENTS = 20;
const SEEN_LIMIT_MS = 30_000;
const RATE = 10;

/** One event at a time into a system that has nothing else to do: when is it committed? */
export async function measureIdle(bench: Bench, events: number): Promise<IdleMeasurement> {
  const { kafka } = bench.servers;
  return await withLiveService(bench, async (service) => {
    const { topics, database, admin } = service;
    const ring = new StampedRecords(topics.events, bench.options.seed, PROFILES.clean.mix, RATE);
    const producer = await AckedProducer.connect(kafka, { mode: 'prompt', lingerMs: 0 });
    const seenMs: number[] = [];
    const total = WARM_UP_EVENTS + events;
    try {
      for (let sent = 1; sent <= total; sent += 1) {
        bench.options.signal.throwIfAborted();
        bench.progress(`latency: event ${sent} of ${total}`);
        await sleep(PAUSE_MS + ((sent * 17) % PAUSE_SPREAD_MS));
        ring.setTime(Date.now());
        const outcomes = producer.produceAll([ring.next()]);
        seenMs.push(await untilCommitted(database, sent));
        if ((await outcomes)[0] !== 'acked')
          throw new BenchError('the broker did not take an event');
      }
    } finally {
      await producer.close();
    }
    const ends = await endsOf(admin, topics.events);
    const appended = await readAppendTimes(kafka, topics.events, ends);
    const commits = (await readCommits(database)).toSorted((a, b) => a.atMs - b.atMs);
    const waits = commits.map(({ partition, first, atMs }, n) => ({
      visible: (seenMs[n] ?? Number.NaN) - (appended[partition]?.[first] ?? Number.NaN),
      afterLedger: (seenMs[n] ?? Number.NaN) - atMs,
    }));
    const counted = waits.slice(WARM_UP_EVENTS);
    return {
      visibleMs: counted.map(({ visible }) => visible),
      afterLedgerMs: counted.map(({ afterLedger }) => afterLedger),
      problems: await recount(database, total),
    };
  });
}

/** Looks without a pause until so many records are committed; when that was, milliseconds since 1970. */
async function untilCommitted(database: Client, records: number): Promise<number> {
  const deadline = performance.now() + SEEN_LIMIT_MS;
  const look = {
    name: 'look',
    text: 'SELECT sum(next_offset)::float8 AS committed FROM cursors',
  };
  while (performance.now() < deadline) {
    const { rows } = await database.query<{ committed: number }>(look);
    if ((rows[0]?.committed ?? 0) >= records) return performance.timeOrigin + performance.now();
    await sleep(1);
  }
  throw new BenchError(`an event is not committed ${SEEN_LIMIT_MS} ms after it was sent`);
}
