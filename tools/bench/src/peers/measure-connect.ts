import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cacheFolder, ensureJars, localFolder } from '@adtally/local-stack';
import { Client } from 'pg';
import { withFreshDatabase } from '../bench-database.ts';
import { BenchError } from '../errors.ts';
import type { Bench } from '../lines/bench.ts';
import type { Load } from '../preload/loads-file.ts';
import { topicsOf } from '../preload/preload.ts';
import { cpuPerEvent, type CpuPerEvent, readCpu } from '../proc/cpu-meter.ts';
import { peakRssBytes } from '../proc/process-cpu.ts';
import { CREATE_PEER_TABLE, PEER_TABLE, sinkSettings, workerSettings } from './connect-config.ts';
import { ConnectProcess, freePort } from './connect-process.ts';

export interface PeerMeasurement {
  readonly events: number;
  /** From the first row to the last, by the database's clock: start and join of the group are outside. */
  readonly seconds: number;
  readonly cpuUsPerEvent: CpuPerEvent;
  readonly peakRssBytes: number;
  readonly problems: readonly string[];
}

const TITLE = 'Kafka Connect 4.3.1 with Debezium JDBC sink 3.5.0';
const FILES = resolve(import.meta.dirname, '../../peers');
const POLL_MS = 50;
const LIMIT_MS = 900_000;

/** Fetches the connector where it is not in the cache yet; returns the java command. */
export async function ensureConnect(bench: Bench): Promise<{ java: string; jars: string }> {
  const jars = join(cacheFolder(), 'connect-4.3.1-debezium-3.5.0', 'lib');
  const pom = join(FILES, 'pom.xml');
  const wanted = { title: TITLE, pom, sums: join(FILES, 'SHA256SUMS'), folder: jars };
  return { java: await ensureJars((text) => bench.progress(text), wanted), jars };
}

/** Drains a clean topic by Kafka Connect and Debezium's JDBC sink into a table with a primary key. */
export async function measureConnect(
  bench: Bench,
  load: Load,
  program: Awaited<ReturnType<typeof ensureConnect>>,
): Promise<PeerMeasurement> {
  const { servers } = bench;
  const folder = mkdtempSync(join(tmpdir(), 'adtally-bench-connect-'));
  try {
    return await withFreshDatabase(
      servers,
      'peer',
      async (databaseUrl) => {
        const place = {
          topic: topicsOf(load.topic).events,
          databaseUrl,
          restPort: await freePort(),
          offsetsFile: join(folder, 'offsets'),
        };
        const logFile = join(localFolder, 'logs/bench-connect.log');
        const connect = new ConnectProcess(
          { ...program, folder, logFile },
          workerSettings(servers, place),
          sinkSettings(place),
        );
        try {
          return await observe(bench, load, databaseUrl, connect);
        } finally {
          await connect.stop();
        }
      },
      createTable,
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function createTable(databaseUrl: string): Promise<void> {
  await withClient(databaseUrl, async (database) => void (await database.query(CREATE_PEER_TABLE)));
}

async function observe(
  bench: Bench,
  load: Load,
  databaseUrl: string,
  connect: ConnectProcess,
): Promise<PeerMeasurement> {
  return await withClient(databaseUrl, async (database) => {
    const cpu = () => readCpu(bench.servers.pids, connect.pid);
    const until = async (isReached: () => Promise<boolean>): Promise<void> => {
      const deadline = performance.now() + LIMIT_MS;
      while (!(await isReached())) {
        bench.options.signal.throwIfAborted();
        connect.checkAlive();
        if (performance.now() > deadline) throw new BenchError('the peer does not come to an end');
        await sleep(POLL_MS);
      }
    };
    bench.progress('peer: starting Kafka Connect');
    await until(
      async () => (await database.query(`SELECT FROM ${PEER_TABLE} LIMIT 1`)).rowCount === 1,
    );
    const before = cpu();
    const { unique } = load.truth;
    await until(async () => {
      const told = await insertsTold(database);
      bench.progress(`peer: ${told} of ${unique} rows`);
      // The server's own figure comes up to a second late: then rows are counted.
      return told >= unique && (await rowsOf(database)) === unique;
    });
    const cpuUsPerEvent = cpuPerEvent(before, cpu(), load.events);
    const peak = peakRssBytes(connect.pid);
    if (peak === null) throw new BenchError('this machine has no /proc to read memory from');
    const { seconds, micros } = await spanOf(database);
    const expected = Object.values(load.truth.money).reduce(
      (sum, value) => sum + BigInt(value),
      0n,
    );
    const problems =
      BigInt(micros) === expected ? [] : [`the peer has ${micros} micros of ${expected}`];
    return { events: load.events, seconds, cpuUsPerEvent, peakRssBytes: peak, problems };
  });
}

async function insertsTold(database: Client): Promise<number> {
  const { rows } = await database.query<{ n: number }>(
    'SELECT n_tup_ins::float8 AS n FROM pg_stat_user_tables WHERE relname = $1',
    [PEER_TABLE],
  );
  return rows[0]?.n ?? 0;
}

async function rowsOf(database: Client): Promise<number> {
  const { rows } = await database.query<{ n: number }>(
    `SELECT count(*)::float8 AS n FROM ${PEER_TABLE}`,
  );
  return rows[0]?.n ?? 0;
}

async function spanOf(database: Client): Promise<{ seconds: number; micros: string }> {
  const { rows } = await database.query<{ seconds: number; micros: string }>(
    `SELECT extract(epoch FROM max(written_at) - min(written_at))::float8 AS seconds,
            sum(coalesce(price_micros, value_micros))::text AS micros FROM ${PEER_TABLE}`,
  );
  return rows[0] ?? { seconds: Number.NaN, micros: '0' };
}

async function withClient<T>(
  databaseUrl: string,
  work: (database: Client) => Promise<T>,
): Promise<T> {
  const database = new Client({ connectionString: databaseUrl });
  await database.connect();
  try {
    return await work(database);
  } finally {
    await database.end();
  }
}
