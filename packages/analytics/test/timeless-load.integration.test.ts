import { setTimeout as sleep } from 'node:timers/promises';
import { databaseNowMs, openDatabase } from '@adtally/db';
import type { AdEvent } from '@adtally/event-schema';
import { sql } from 'kysely';
import { expect, test, vi } from 'vitest';
import {
  COHORT_MS,
  DEFAULT_DEFINITION,
  MEASURES,
  purgeTimelessEvents,
  ROLLUPS,
  wholeAudit,
} from '../src/index.ts';
import { event, idAt, START_MS, timelessId } from './events.ts';
import { World, type Writer } from './world.ts';

vi.setConfig({ testTimeout: 180_000 });

const IDS = 40;
const BATCHES_MIN = 40;
const PURGED_MIN = 40;
const KILLS = 3;
const AUDITS_MIN = 2;
const TYPES = ['impression', 'click', 'conversion'] as const;
const OLD_AFTER_MS = 50;

/** Of few impressions, so that copies, late events and what has just left meet often. */
function anyBatch(): AdEvent[] {
  return Array.from({ length: 6 }, () => {
    const n = Math.floor(Math.random() * IDS);
    const born = START_MS + (n % 5) * COHORT_MS;
    const id = n % 4 === 0 ? idAt(born, n) : timelessId(born, n);
    const type = TYPES[Math.floor(Math.random() * TYPES.length)] ?? 'click';
    return event({ id, type, atMs: n, n: 1 });
  });
}

test('I2, I4, I11: they leave under load, whoever is killed, and ledger, rows and rollups agree at each moment', async () => {
  const world = await World.create();
  const done = new AbortController();
  const writers = [await world.writer(), await world.writer()];
  await writers[0]?.commit(anyBatch());
  await world.settle(START_MS + 10 * COHORT_MS);
  await world.takeBases();

  let [batches, purged, kills, audits, takes] = [0, 0, 0, 0, 0];
  const again = async (work: () => Promise<void>): Promise<void> => {
    while (!done.signal.aborted) await work();
  };
  const write = (writer: Writer) =>
    again(async () => {
      const events = anyBatch();
      for (;;) {
        try {
          await writer.commit(events);
          break;
        } catch (error) {
          // What it met may have left meanwhile: a process would write it again.
          if ((error as { failure?: { kind: string } }).failure?.kind !== 'transient') throw error;
        }
      }
      batches += 1;
      await sleep(2);
    });
  const purge = () =>
    again(async () => {
      const db = openDatabase(world.url, { applicationName: 'purger', maxConnections: 2 });
      const result = await purgeTimelessEvents(db, {
        nowMs: (await databaseNowMs(world.db)) - OLD_AFTER_MS,
        retentionDays: 0,
        passEveryMs: 0,
        budgetMs: 1_000,
        keepsRollups: true,
        signal: done.signal,
        pageRows: 10,
        impressionsAtOnce: 3,
      }).catch(() => null);
      await db.destroy();
      purged += Number(result?.rows ?? 0);
    });
  const kill = () =>
    again(async () => {
      await sleep(50);
      if (kills >= KILLS) return;
      const { rows } = await sql<{ killed: boolean }>`
        SELECT pg_terminate_backend(pid) AS killed FROM pg_stat_activity
        WHERE application_name = 'purger' AND datname = current_database() AND xact_start IS NOT NULL`.execute(
        world.db,
      );
      if (rows.some(({ killed }) => killed)) kills += 1;
    });
  const keep = () =>
    again(async () => {
      await world.applyNotes();
      // As where a note came out of order: the base is taken anew.
      await sql`UPDATE rollup_bases SET taken_at = NULL, seen_sources = NULL, seen_offsets = NULL
        WHERE first_cohort = -1 AND random() < 0.1`.execute(world.db);
      takes += await world.takeBases();
    });
  const audit = () =>
    again(async () => {
      const { checks } = await wholeAudit(world.db, { rollups: { full: true } });
      expect(checks.filter(({ ok }) => !ok)).toEqual([]);
      audits += 1;
    });
  const end = async () => {
    await vi.waitFor(
      () => {
        expect(batches).toBeGreaterThan(BATCHES_MIN);
        expect(purged).toBeGreaterThan(PURGED_MIN);
        expect(kills).toBe(KILLS);
        expect(audits).toBeGreaterThanOrEqual(AUDITS_MIN);
        expect(takes).toBeGreaterThan(0);
      },
      { timeout: 90_000, interval: 50 },
    );
    done.abort();
  };
  const beside = [...writers.map(write), purge(), kill(), keep(), audit()];
  try {
    await Promise.race([end(), ...beside]);
  } finally {
    done.abort();
    await Promise.allSettled(beside);
  }
  await Promise.all(beside);

  await world.takeBases();
  await world.applyNotes();
  const { checks } = await wholeAudit(world.db, { rollups: { full: true } });
  expect(checks.filter(({ ok }) => !ok)).toEqual([]);
  // Every event that was ever stored counts once, whether it is there or left.
  const { rows } = await sql<{ stored: number; purged: number }>`
    SELECT sum(stored)::int AS stored, sum(purged)::int AS purged FROM ledger`.execute(world.db);
  expect(rows[0]?.purged).toBeGreaterThan(PURGED_MIN);
  const counts = sql.raw(
    MEASURES.filter((name) => !name.endsWith('_micros'))
      .map((name) => `sum(${name})`)
      .join(' + '),
  );
  for (const { table } of Object.values(ROLLUPS)) {
    const { rows: told } = await sql<{ n: number }>`
      SELECT (${counts})::int AS n FROM ${sql.table(table)} WHERE version = ${DEFAULT_DEFINITION.version}`.execute(
      world.db,
    );
    expect([table, told[0]?.n]).toEqual([table, rows[0]?.stored]);
  }
  await world.close();
});
