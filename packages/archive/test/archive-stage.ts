import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { StillLeads } from '@adtally/db';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, onTestFinished } from 'vitest';
import {
  type ArchiveStore,
  ParquetArchive,
  openArchiveStore,
  restoreDay,
  verifyDay,
} from '../src/index.ts';
import {
  countedDays,
  DAY_NAME,
  dropDay,
  retiredDay,
  rowsOfDay,
  ALONE,
  UNENDING,
} from './counted-day.ts';

/** Of lines: a day of 3,000 events becomes several files. */
export const PART_BYTES = 200_000;
export const OPERATOR = { actor: 'test', reason: 'to look at it' };
export const FOLDER = `day=${DAY_NAME}`;

export let database: Awaited<ReturnType<typeof countedDays>>;
/** An archive of it, that tests copy. */
const whole = mkdtempSync(join(tmpdir(), 'adtally-archive-test-'));

beforeAll(async () => {
  database = await countedDays();
  await kept(pathToFileURL(whole).href);
}, 180_000);

afterAll(async () => {
  await database[Symbol.asyncDispose]();
  rmSync(whole, { recursive: true, force: true });
});

/** An archive in a folder of a test's own. */
export function ownFolder(): { readonly folder: string; readonly url: string } {
  const folder = mkdtempSync(join(tmpdir(), 'adtally-archive-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return { folder, url: pathToFileURL(folder).href };
}

/** The same, with a whole archive of the day in it. */
export async function ownCopy() {
  const own = ownFolder();
  cpSync(whole, own.folder, { recursive: true });
  return { ...own, store: await openArchiveStore(own.url) };
}

export async function kept(
  url: string,
  databaseUrl = database.url,
  stillLeads: StillLeads = ALONE,
): Promise<ArchiveStore> {
  const store = await openArchiveStore(url);
  await new ParquetArchive({ databaseUrl, store, partBytes: PART_BYTES }).keep(
    await retiredDay(databaseUrl),
    UNENDING,
    stillLeads,
  );
  return store;
}

/** Archives a day, drops it, and brings it back. */
export async function expectRoundTrip(url: string): Promise<void> {
  await using own = await countedDays();
  const before = await rowsOfDay(own.db, 'events');
  expect(before).toHaveLength(3_000);
  const store = await kept(url, own.url);
  const manifest = await verifyDay(store, DAY_NAME);
  expect(manifest).toMatchObject({ events: '3000', day: DAY_NAME });
  expect(manifest.files.length).toBeGreaterThan(2);
  await dropDay(own.db);
  await restoreDay({ databaseUrl: own.url, store, day: DAY_NAME, operator: OPERATOR });
  expect(await rowsOfDay(own.db, 'restored.events')).toEqual(before);
  expect(await rowsOfDay(own.db, 'events')).toEqual([]);
  const { rows: noted } = await sql`SELECT actor, reason FROM operator_actions`.execute(own.db);
  expect(noted).toEqual([OPERATOR]);
}
