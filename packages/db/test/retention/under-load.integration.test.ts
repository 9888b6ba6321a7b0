import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import { expect, test, vi } from 'vitest';
import { auditDatabase } from '../../src/audit/audit.ts';
import { openDatabase } from '../../src/database.ts';
import { eventDay } from '../../src/event-days.ts';
import { ensureDayPartitions } from '../../src/partitions.ts';
import { dropDays } from '../../src/retention/drop-days.ts';
import { migratedDatabase } from '../../testing/migrated-database.ts';
import { idAt } from '../event-rows.ts';
import { CountingWriter, strayAt } from './counting-writer.ts';

// Six days one after the other, with kills, on a machine that may be busy with others.
vi.setConfig({ testTimeout: 240_000 });

const NOW = Date.parse('2026-01-31T13:00:00Z');
const DAY_MS = 86_400_000;
const TODAY = eventDay(NOW).startMs;
const RETENTION_DAYS = 3;
const SIMULATED_DAYS = 6;
const WRITERS = 2;
const KILLS_MAX = 15;

test('I4, I5: days are dropped one after the other under load, whoever is killed, and the audit is exact at each moment', async () => {
  await using database = await migratedDatabase();
  const { db } = database;
  await ensureDayPartitions(db, { now: NOW, daysBehind: 6, hoursAhead: 24 * SIMULATED_DAYS });
  let nowMs = NOW;
  const done = new AbortController();
  const writers = await Promise.all(
    Array.from({ length: WRITERS }, (_, lane) => CountingWriter.open(database.url, `lane-${lane}`)),
  );

  /** Events of today and late ones, copies of what was stored or is gone, ids without a time of every day. */
  const write = async (writer: CountingWriter, lane: number): Promise<void> => {
    const own: string[] = [];
    for (let n = 0; !done.signal.aborted; n += 1) {
      const today = eventDay(nowMs).startMs;
      const ids = [
        idAt(today + n, lane),
        idAt(today - (n % 8) * DAY_MS + n, lane),
        strayAt(today - (n % 8) * DAY_MS + n),
      ];
      const again = own[(n * 7) % (own.length || 1)];
      own.push(...ids);
      await writer.commit([...new Set([...ids, ...(again === undefined ? [] : [again])])]);
      await sleep(2);
    }
  };
  let kills = 0;
  const kill = async (): Promise<void> => {
    // Bounded: on a busy machine who is killed as often would never get to the end of a day.
    while (!done.signal.aborted && kills < KILLS_MAX) {
      await sleep(20 + Math.random() * 150);
      const { rows } = await sql<{ killed: boolean }>`
        SELECT pg_terminate_backend(pid) AS killed FROM pg_stat_activity
        WHERE application_name = 'retention' AND datname = current_database()`.execute(db);
      kills += rows.filter(({ killed }) => killed).length;
    }
  };
  let audits = 0;
  const audit = async (): Promise<void> => {
    while (!done.signal.aborted) {
      const { checks } = await auditDatabase(db);
      expect(checks.filter(({ ok }) => !ok)).toEqual([]);
      audits += 1;
      await sleep(100);
    }
  };
  /** Until every day below the horizon is gone, that many days long. */
  const retain = async (): Promise<void> => {
    const signal = new AbortController().signal;
    for (let day = 0; day < SIMULATED_DAYS; day += 1) {
      nowMs = NOW + day * DAY_MS;
      const oldest = TODAY + (day - RETENTION_DAYS) * DAY_MS;
      for (let turn = 0; ; turn += 1) {
        if (turn > 300) throw new Error(`after ${turn} turns day ${day} is not done`);
        const own = openDatabase(database.url, {
          applicationName: 'retention',
          maxConnections: 2,
          statementTimeoutMs: 0,
        });
        const turned = { nowMs, retentionDays: RETENTION_DAYS, archive: null, keepsRollups: false };
        const result = await dropDays(own, { ...turned, signal }).catch(() => null);
        await own.destroy();
        if (result?.led === true && result.horizonMs === oldest && result.waiting.length === 0)
          break;
      }
    }
    done.abort();
  };
  const beside = [...writers.map(write), kill(), audit()];
  try {
    await Promise.all([retain(), ...beside]);
  } finally {
    done.abort();
    await Promise.allSettled(beside);
  }
  expect(kills).toBeGreaterThan(1);
  expect(audits).toBeGreaterThan(1);

  const horizonMs = TODAY + (SIMULATED_DAYS - 1 - RETENTION_DAYS) * DAY_MS;
  const { fromId } = eventDay(horizonMs);
  const stored = writers.flatMap((writer) => [...writer.stored]);
  const left = stored.filter((id) => id[14] !== '7' || id >= fromId).toSorted();
  const { rows } = await sql<{ id: string }>`SELECT impression_id AS id FROM events`.execute(db);
  expect(rows.map(({ id }) => id).toSorted()).toEqual(left);
  expect(writers.some(({ expired }) => expired.size > 0)).toBe(true);
  expect(left.length).toBeLessThan(stored.length);
  const { rows: told } = await sql<{ gone: number; days: number }>`
    SELECT sum(rows)::int AS gone, count(*)::int AS days FROM retired_days WHERE dropped_at IS NOT NULL`.execute(
    db,
  );
  expect(told[0]?.gone).toBe(stored.length - left.length);
  expect(told[0]?.days).toBeGreaterThanOrEqual(SIMULATED_DAYS);
  const { checks } = await auditDatabase(db);
  expect(checks.filter(({ ok }) => !ok)).toEqual([]);
  for (const writer of writers) await writer.close();
});
