import { randomFillSync } from 'node:crypto';
import {
  claimSource,
  CopyEncoder,
  openDatabase,
  registerTopic,
  writeBatch,
  WriterSession,
  type Frontier,
} from '@adtally/db';
import {
  decodeInto,
  DEFAULT_DECODE_LIMITS,
  encodeEvent,
  EventBatch,
  ROUTE,
  type SourceRecord,
} from '@adtally/event-schema';
import { withFreshDatabase } from '../bench-database.ts';
import { BenchError } from '../errors.ts';
import { processCpuSeconds } from '../proc/process-cpu.ts';
import type { Servers } from '../servers.ts';

/** CPU of writing an event, client and server, with and without the note; in interleaved pairs. */
export interface NoteCost {
  readonly usPerEventWithout: number;
  readonly usPerEventWith: number;
  /** With by without, pair by pair: the middle, the least and the most. */
  readonly ratio: { readonly median: number; readonly min: number; readonly max: number };
}

const ROWS = 5_000;
const BATCHES_A_ROUND = 40;
const PAIRS = 5;
/** One row in so many is of an impression below the frontier. */
const LATE_EVERY = 16;
const ID_BYTES = 16;

/** Writes the same kind of batches into two databases: one without a frontier, one where some are late. */
export async function measureNoteCost(servers: Servers): Promise<NoteCost> {
  return await withWriter(servers, 0, (without) =>
    withWriter(servers, Date.now() - 120_000, async (withNotes) => {
      const pairs: { without: number; with: number }[] = [];
      await without();
      await withNotes();
      for (let pair = 0; pair < PAIRS; pair += 1) {
        pairs.push({ without: await without(), with: await withNotes() });
      }
      const ratios = pairs.map((one) => one.with / one.without).toSorted((a, b) => a - b);
      const median = (values: number[]) =>
        values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] as number;
      return {
        usPerEventWithout: median(pairs.map((one) => one.without)),
        usPerEventWith: median(pairs.map((one) => one.with)),
        ratio: { median: median(ratios), min: ratios[0] as number, max: ratios.at(-1) as number },
      };
    }),
  );
}

/** Gives a function that writes one round and returns the microseconds an event took. */
async function withWriter<T>(
  servers: Servers,
  frontierMs: number,
  work: (round: () => Promise<number>) => Promise<T>,
): Promise<T> {
  return await withFreshDatabase(servers, 'note', async (url) => {
    const db = openDatabase(url, { applicationName: 'adtally-bench' });
    const [source] = await registerTopic(db, {
      kind: 'events',
      topic: 'bench',
      topicId: 'bench',
      partitions: 1,
      genesis: () => 0n,
    });
    await db.destroy();
    if (source === undefined) throw new BenchError('no source');
    const session = await WriterSession.connect({
      databaseUrl: url,
      applicationName: 'adtally-bench-writer',
      lockTimeoutMs: 5_000,
      statementTimeoutMs: 60_000,
      connectTimeoutMs: 5_000,
    });
    try {
      const { epoch } = await claimSource(session, source.sourceId, 'bench');
      await session.query('UPDATE write_guards SET frontier_ms = $1::bigint', [frontierMs]);
      return await work(await roundOf(session, { sourceId: source.sourceId, epoch }, frontierMs));
    } finally {
      await session.close();
    }
  });
}

async function roundOf(
  session: WriterSession,
  { sourceId, epoch }: { readonly sourceId: number; readonly epoch: number },
  frontierMs: number,
): Promise<() => Promise<number>> {
  const [row] = await session.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  const cpuSeconds = () => {
    const server = processCpuSeconds(row?.pid ?? 0);
    if (server === null) throw new BenchError('the database must run on this machine');
    return server + (process.cpuUsage().user + process.cpuUsage().system) / 1e6;
  };
  const encoder = new CopyEncoder();
  const frontier: Frontier = { ms: frontierMs };
  const batch = templateBatch(sourceId);
  let first = 0;
  return async () => {
    const before = cpuSeconds();
    for (let index = 0; index < BATCHES_A_ROUND; index += 1) {
      renew(batch, first);
      const range = { sourceId, epoch, first, end: first + ROWS, gap: 0 };
      await writeBatch(session, encoder, batch, [range], {
        horizonMs: 0,
        frontier,
        trust: 'answers',
        alongside: async () => {},
      });
      first += ROWS;
    }
    return ((cpuSeconds() - before) * 1e6) / (BATCHES_A_ROUND * ROWS);
  };
}

function templateBatch(sourceId: number): EventBatch {
  const batch = new EventBatch(ROWS);
  const value = encodeEvent({
    event_type: 'impression',
    impression_id: '019c13ec-9e00-7000-8000-000000000000',
    occurred_at: '2026-01-31T12:00:00.000001Z',
    price_micros: 1_500n,
    currency: 'EUR',
    campaign_id: 'cmp-1001',
    creative_id: 'cr-1001-1',
    placement_id: 'pl-17',
  });
  for (let row = 0; row < ROWS; row += 1) {
    batch.append(recordAt(row, value), sourceId);
    decodeInto(batch, row, DEFAULT_DECODE_LIMITS);
    batch.route[row] = ROUTE.fast;
  }
  return batch;
}

function recordAt(offset: number, value: Buffer): SourceRecord {
  return { topic: 'bench', partition: 0, offset, key: null, value, timestamp: 0 };
}

/** New identities, born now or, one in some, three minutes ago. */
function renew(batch: EventBatch, first: number): void {
  const ids = batch.column('impression_id').bytes;
  randomFillSync(batch.eventKey);
  randomFillSync(ids);
  const nowMs = Date.now();
  for (let row = 0; row < ROWS; row += 1) {
    const bornMs = row % LATE_EVERY === 0 ? nowMs - 180_000 : nowMs;
    const at = row * ID_BYTES;
    ids.writeUIntBE(bornMs, at, 6);
    ids[at + 6] = 0x70;
    ids[at + 8] = 0x80;
    batch.replace(row, recordAt(first + row, batch.record(row).value as Buffer));
  }
}
