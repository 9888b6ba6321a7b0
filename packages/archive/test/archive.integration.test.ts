import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sql } from 'kysely';
import { describe, expect, test, vi } from 'vitest';
import { dropRestoredDay, requireManifest, restoreDay, verifyDay } from '../src/index.ts';
import { MANIFEST_NAME } from '../src/manifest.ts';
import {
  database,
  expectRoundTrip,
  FOLDER,
  kept,
  OPERATOR,
  ownCopy,
  ownFolder,
} from './archive-stage.ts';
import { countedDays, DAY, DAY_NAME, dropDay, flippedFile } from './counted-day.ts';

// Databases of their own take long to make on a machine that is busy.
vi.setConfig({ testTimeout: 180_000 });

test('a day goes into a folder and comes back byte by byte', async () => {
  await expectRoundTrip(ownFolder().url);
});

test('money and ledger fingerprints of the manifest are those of the rows', async () => {
  const { store } = await ownCopy();
  const { money, sources } = await requireManifest(store, DAY_NAME);
  const { rows: expected } = await sql`
    SELECT currency, event_type::text, count(*)::text AS events, sum(amount_micros)::text AS micros FROM events
    WHERE impression_id >= ${DAY.fromId} AND impression_id < ${DAY.toId} AND rollup_cohort(impression_id) >= 0
    GROUP BY currency, event_type ORDER BY currency COLLATE "C", event_type::text COLLATE "C"`.execute(
    database.db,
  );
  expect(money).toEqual(expected);
  expect(money.map(({ event_type }) => event_type)).toContain('conversion');
  const { rows: ofLedger } = await sql`
    SELECT source_id::text AS source, count(*)::text AS events, min(source_offset)::text AS first_offset,
           (max(source_offset) + 1)::text AS end_offset,
           bit_xor(('x' || encode(substr(uuid_send(event_key), 1, 8), 'hex'))::bit(64)::bigint)::text AS fingerprint
    FROM events
    WHERE impression_id >= ${DAY.fromId} AND impression_id < ${DAY.toId} AND rollup_cohort(impression_id) >= 0
    GROUP BY source_id ORDER BY source_id`.execute(database.db);
  expect(sources).toMatchObject(ofLedger);
  expect(sources).toHaveLength(2);
});

describe('a damaged archive is found, and not restored', () => {
  const damages: readonly (readonly [string, RegExp, (folder: string) => Promise<void>])[] = [
    [
      'a flipped byte',
      /part-00001\.parquet: the manifest says SHA-256/,
      async (folder) => {
        const path = join(folder, 'part-00001.parquet');
        writeFileSync(path, await flippedFile(path));
      },
    ],
    [
      'a file cut short',
      /part-00001\.parquet: the manifest says bytes/,
      async (folder) => {
        const path = join(folder, 'part-00001.parquet');
        writeFileSync(path, readFileSync(path).subarray(0, -10));
      },
    ],
    [
      'a missing file',
      /part-00000\.parquet is missing/,
      async (folder) => rmSync(join(folder, 'part-00000.parquet')),
    ],
    [
      'a missing manifest',
      /has no manifest/,
      async (folder) => rmSync(join(folder, MANIFEST_NAME)),
    ],
    [
      'another figure in the manifest',
      /is not as it was written/,
      async (folder) => {
        const path = join(folder, MANIFEST_NAME);
        const text = readFileSync(path, 'utf8');
        writeFileSync(path, text.replace('"events":"3000"', '"events":"3001"'));
      },
    ],
    [
      'a manifest cut short',
      /is no JSON/,
      async (folder) => {
        const path = join(folder, MANIFEST_NAME);
        writeFileSync(path, readFileSync(path, 'utf8').slice(0, 100));
      },
    ],
  ];

  test.for(damages)('%s', async ([, said, damage]) => {
    const { folder, store } = await ownCopy();
    await damage(join(folder, FOLDER));
    await expect(verifyDay(store, DAY_NAME)).rejects.toMatchObject({
      name: 'ArchiveDamaged',
      message: expect.stringMatching(said),
    });
    const restoring = restoreDay({
      databaseUrl: database.url,
      store,
      day: DAY_NAME,
      operator: OPERATOR,
    });
    await expect(restoring).rejects.toMatchObject({
      name: 'ArchiveDamaged',
      message: expect.stringMatching(said),
    });
    const { rows } = await sql`SELECT FROM pg_class WHERE relnamespace = 'restored'::regnamespace
      AND relname LIKE 'events_%' AND relkind = 'r'`.execute(database.db);
    expect(rows).toEqual([]);
  });

  test('files that are whole and hold other events than the manifest says', async () => {
    await using other = await countedDays();
    await sql`UPDATE events SET campaign_id = 'c-3' WHERE source_offset = (SELECT min(source_offset) FROM events
      WHERE rollup_cohort(impression_id) >= 0 AND impression_id < ${DAY.toId})`.execute(other.db);
    const [ours, theirs] = [await ownCopy(), ownFolder()];
    const { store } = ours;
    await kept(theirs.url, other.url);
    const path = (folder: string, name: string) => join(folder, FOLDER, name);
    const manifest = await requireManifest(store, DAY_NAME);
    const { readManifest, sealed } = await import('../src/manifest.ts');
    const stranger = readManifest(
      readFileSync(path(theirs.folder, MANIFEST_NAME), 'utf8'),
      'theirs',
    );
    const { digest: _, ...content } = manifest;
    writeFileSync(path(ours.folder, MANIFEST_NAME), sealed({ ...content, files: stranger.files }));
    for (const { name } of stranger.files)
      writeFileSync(path(ours.folder, name), readFileSync(path(theirs.folder, name)));
    await expect(verifyDay(store, DAY_NAME)).rejects.toThrow(
      /fingerprint of all columns: the manifest says/,
    );
  });
});

test('files that were damaged since are written again while the database has the day', async () => {
  const { folder, url, store } = await ownCopy();
  const path = join(folder, FOLDER, 'part-00001.parquet');
  writeFileSync(path, await flippedFile(path));
  await kept(url);
  expect(await verifyDay(store, DAY_NAME)).toMatchObject({ events: '3000' });
});

test('an archive of the day with other events is never overwritten', async () => {
  await using other = await countedDays();
  const { url } = await ownCopy();
  await sql`UPDATE events SET amount_micros = amount_micros + 1 WHERE impression_id = (SELECT impression_id
    FROM events WHERE rollup_cohort(impression_id) >= 0 AND impression_id >= ${DAY.fromId} ORDER BY 1 LIMIT 1)`.execute(
    other.db,
  );
  await expect(kept(url, other.url)).rejects.toMatchObject({
    name: 'ArchiveRefused',
    message: expect.stringMatching(/with other events: micros of impression in USD: the archive/),
  });
});

test('what is still in events, or restored already, or of another database, is not restored', async () => {
  await using own = await countedDays();
  const { store } = await ownCopy();
  const restoring = () =>
    restoreDay({ databaseUrl: own.url, store, day: DAY_NAME, operator: OPERATOR });
  await expect(restoring()).rejects.toThrow('day 2026-03-01 is still in events');
  await dropDay(own.db);
  await restoring();
  await expect(restoring()).rejects.toThrow('day 2026-03-01 is restored already');
  await dropRestoredDay(own.db, DAY_NAME, OPERATOR);
  await expect(dropRestoredDay(own.db, DAY_NAME, OPERATOR)).rejects.toThrow('is not restored');
  await restoring();
  await dropRestoredDay(own.db, DAY_NAME, OPERATOR);
  await sql`UPDATE sources SET topic_id = 'another'`.execute(own.db);
  await expect(restoring()).rejects.toMatchObject({
    name: 'ArchiveRefused',
    message: expect.stringContaining('was counted by another database'),
  });
});
