import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ParquetArchive, openArchiveStore } from '@adtally/archive';
import { type Database, eventDay, type RetiredDay } from '@adtally/db';
import { sql } from 'kysely';
import { expect, onTestFinished, test } from 'vitest';
import { BORN_MS, figuresStage } from './support/figures-stage.ts';
import { runOps } from './support/ops.ts';

const DAY_MS = 86_400_000;
const DAY = '2026-03-28';
const AT = '2026-03-28T23:40:00Z';
const ASKED = ['--campaign', 'c-7'];
const BECAUSE = ['--reason', 'March is disputed'];

/** What leaves with the day, as retention counts it. */
async function countsOf(db: Database): Promise<RetiredDay['counts']> {
  const { rows } = await sql<RetiredDay['counts'][number]>`
    SELECT source_id AS "sourceId", count(*) AS rows, min(source_offset) AS "firstOffset",
           max(source_offset) + 1 AS "endOffset",
           bit_xor(('x' || encode(substr(uuid_send(event_key), 1, 8), 'hex'))::bit(64)::bigint) AS fingerprint
    FROM events GROUP BY source_id`.execute(db);
  return rows;
}

/** A database with a campaign's events, an archive with their day, and a folder for statements. */
async function stage() {
  const { db, databaseUrl, store, sumUp } = await figuresStage();
  const folder = mkdtempSync(join(tmpdir(), 'adtally-ops-archive-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const archiveUrl = pathToFileURL(join(folder, 'archive')).href;
  const at = AT;
  await store([
    { type: 'impression', n: 1, at, amount: 1_500_000n },
    { type: 'click', n: 1, at, amount: 250_000n },
    { type: 'conversion', n: 1, at, amount: 9_000_000n },
    { type: 'impression', n: 2, at, amount: 1_000n, currency: 'USD' },
    { type: 'impression', n: 3, at, amount: 7n, campaign: 'c-8' },
  ]);
  await sumUp(BORN_MS + 3_600_000);
  const env = { DATABASE_URL: databaseUrl, ADTALLY_ACTOR: 'ann', ARCHIVE_URL: archiveUrl };
  return {
    db,
    folder,
    ops: (...argv: string[]) => runOps(argv, env),
    keep: async () => {
      const into = await openArchiveStore(archiveUrl);
      await new ParquetArchive({ databaseUrl, store: into }).keep(
        { day: eventDay(BORN_MS), counts: await countsOf(db) },
        new AbortController().signal,
        async () => undefined,
      );
    },
    // As retention leaves it behind, beside the ledger.
    drop: async () => {
      const counts = await countsOf(db);
      await sql`UPDATE write_guards SET horizon_ms = ${Date.parse(DAY) + DAY_MS}`.execute(db);
      await sql`DELETE FROM events`.execute(db);
      await sql`INSERT INTO retired_days (day, counted_at, archived_at, dropped_at, rows, kept_rows)
        VALUES (${DAY}, now(), now(), now(), 5, 0)`.execute(db);
      for (const { sourceId, rows, fingerprint, firstOffset, endOffset } of counts) {
        await sql`INSERT INTO retired_day_counts (day, source_id, rows, fingerprint, first_offset, end_offset)
          VALUES (${DAY}, ${sourceId}, ${rows}, ${fingerprint}, ${firstOffset}, ${endOffset})`.execute(
          db,
        );
      }
      await sql`INSERT INTO retired_campaign_spans VALUES ('c-7', ${DAY}, ${AT}, ${AT})`.execute(
        db,
      );
    },
  };
}

test('a statement and listed events of an archived day are again what they were once it is restored', async () => {
  const { ops, keep, drop, folder } = await stage();
  const file = join(folder, 'march.json');
  const statement = ['statement', ...ASKED, '--month', '2026-03'];
  expect((await ops(...statement, '--out', file)).code).toBe(0);
  expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ events: '4' });
  const events = ['events', ...ASKED, '--from', '2026-03-28', '--to', '2026-03-29', '--csv'];
  const listed = await ops(...events);
  expect(listed.stdout.split('\n').length).toBeGreaterThan(4);

  await keep();
  const list = await ops('archive', 'list');
  expect(list.stdout).toMatch(
    /2026-03-28 +archived +5 +[\d,]+ +EUR +10\.750007\n2026-03-28 +USD +0\.001/,
  );
  await drop();
  expect((await ops('statement', 'verify', file)).code).toBe(4);
  expect((await ops(...events)).stdout).not.toEqual(listed.stdout);

  const restored = await ops('archive', 'restore', '--day', DAY, ...BECAUSE);
  expect(restored).toMatchObject({
    code: 0,
    stdout: '2026-03-28: 5 events are back, beside events\n',
  });
  expect((await ops('archive', 'list')).stdout).toMatch(/2026-03-28 +restored/);
  const verified = await ops('statement', 'verify', file);
  expect(verified).toMatchObject({
    code: 0,
    stderr: expect.stringContaining('read from events and from 1 restored day (2026-03-28)'),
  });
  const again = await ops(...events);
  expect(again.stdout).toEqual(listed.stdout);
  expect(again.stderr).toContain('from 1 restored day');
  const drawnUp = JSON.parse((await ops(...statement, '--json')).stdout);
  expect(drawnUp.totals).toEqual(JSON.parse(readFileSync(file, 'utf8')).totals);

  expect((await ops('archive', 'restore', '--day', DAY, ...BECAUSE)).code).toBe(4);
  expect((await ops('archive', 'drop-restored', '--day', DAY, ...BECAUSE)).code).toBe(0);
  expect((await ops('archive', 'drop-restored', '--day', DAY, ...BECAUSE)).code).toBe(4);
  expect((await ops('statement', 'verify', file)).code).toBe(4);
}, 180_000);

test('an archive that is damaged is named by verify, and its restore refused', async () => {
  const { db, ops, keep, drop, folder } = await stage();
  await keep();
  expect(await ops('archive', 'verify')).toMatchObject({ code: 0, stdout: `${DAY} verified\n` });
  expect((await ops('archive', 'restore', '--day', DAY, ...BECAUSE)).stderr).toContain(
    'day 2026-03-28 is still in events',
  );
  await drop();
  expect((await ops('archive', 'verify')).code).toBe(0);
  await sql`UPDATE retired_day_counts SET rows = 6`.execute(db);
  expect((await ops('archive', 'verify')).stdout).toContain('6 events in [0, 5)');
  const path = join(folder, 'archive', `day=${DAY}`, 'part-00000.parquet');
  const bytes = readFileSync(path);
  bytes[100] = (bytes[100] ?? 0) ^ 1;
  writeFileSync(path, bytes);
  const verify = await ops('archive', 'verify', '--day', DAY);
  expect(verify).toMatchObject({
    code: 1,
    stdout: expect.stringContaining(
      `${DAY} NOT verified: day=${DAY}/part-00000.parquet: the manifest says SHA-256`,
    ),
  });
  const restore = await ops('archive', 'restore', '--day', DAY, ...BECAUSE);
  expect(restore).toMatchObject({ code: 4, stderr: expect.stringContaining('says SHA-256') });
  expect((await ops('archive', 'restore', '--day', '2026-03-01', ...BECAUSE)).stderr).toContain(
    'has no manifest',
  );
}, 180_000);

test('without ARCHIVE_URL, or with one that is none, it says so', async () => {
  const env = { DATABASE_URL: 'postgresql://127.0.0.1:1/x' };
  expect(await runOps(['archive', 'verify'], env)).toMatchObject({
    code: 78,
    stderr: expect.stringContaining('ARCHIVE_URL names no archive'),
  });
  expect(await runOps(['archive', 'verify'], { ...env, ARCHIVE_URL: 'ftp://x' })).toMatchObject({
    code: 78,
    stderr: expect.stringContaining('ARCHIVE_URL must be file:///folder or s3://bucket/prefix'),
  });
});
