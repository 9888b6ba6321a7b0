import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { countLetters, findLetters, type LetterFilter } from '../src/hand/find-letters.ts';
import { letterStats, type LetterFact } from '../src/hand/letter-stats.ts';
import { migratedDatabase } from '@adtally/db/testing';
import { addLetters } from './letter-fixture.ts';

test('each condition of a filter leaves out what does not match, and all of them must hold', async () => {
  await using database = await migratedDatabase();
  const { db } = database;
  const recordedAt = '2026-03-01T12:00:00.000001Z';
  const [wanted] = await addLetters(db, {
    code: 'future',
    fingerprint: 'a'.repeat(16),
    field: 'currency',
    claimed: ['edge-3', 'c-7', '4'],
    topic: 'other',
    partition: 3,
    recordedAt,
  });
  await addLetters(db, { state: 'pending', recordedAt: '2026-03-02T00:00:00Z' });
  await addLetters(db, { state: 'resolved', topic: 'other', recordedAt: '2026-02-01T00:00:00Z' });
  const { rows } = await sql<{ source_id: number }>`
    SELECT source_id FROM dead_letters WHERE letter_id = ${wanted}::bigint`.execute(db);
  const found = async (filter: LetterFilter): Promise<number> => {
    const { letters } = await findLetters(db, filter, { limit: 10 });
    expect(await countLetters(db, filter)).toBe(letters.length);
    return letters.length;
  };
  const conditions: LetterFilter[] = [
    { letterIds: [wanted ?? ''] },
    { codes: ['future', 'expired'] },
    { fingerprints: ['a'.repeat(16)] },
    { fields: ['currency'] },
    { claimedSources: ['edge-3', 'edge-4'] },
    { claimedCampaigns: ['c-7'] },
    { claimedVersions: ['4'] },
    { sourceId: rows[0]?.source_id ?? -1 },
    { topic: 'other', partition: 3 },
    { partition: 3 },
    { since: recordedAt, until: '2026-03-01T12:00:00.000002Z' },
    { states: ['dead'] },
  ];
  expect(await found({})).toBe(3);
  for (const condition of conditions) expect(await found(condition)).toBe(1);
  expect(await found(Object.assign({}, ...conditions) as LetterFilter)).toBe(1);
  for (const condition of conditions) {
    expect(await found({ ...condition, states: ['orphan'] })).toBe(0);
  }
  expect(await found({ topic: 'other' })).toBe(2);
  // Half-open: the very moment belongs to what begins with it.
  expect(await found({ until: recordedAt })).toBe(1);
  expect(await found({ since: recordedAt })).toBe(2);
});

test('what stands in a filter is a value, never SQL', async () => {
  await using database = await migratedDatabase();
  const { db } = database;
  await addLetters(db, { count: 2 });
  const hostile = ["'; DROP TABLE dead_letters; --", "' OR '1'='1", 'x"}\\', '{a,b}', 'NULL', '%'];
  for (const text of hostile) {
    for (const filter of [
      { codes: [text] },
      { fingerprints: [text, text] },
      { fields: [text] },
      { claimedSources: [text] },
      { claimedCampaigns: [text] },
      { claimedVersions: [text] },
      { topic: text },
    ]) {
      expect(await findLetters(db, filter, { limit: 10 })).toEqual({ letters: [], next: null });
      expect((await letterStats(db, filter, { groups: 5 })).letters).toBe(0);
    }
  }
  const rejected = { letterIds: ['1) OR (1=1'] };
  await expect(findLetters(db, rejected, { limit: 10 })).rejects.toThrow('invalid input syntax');
  expect(await countLetters(db, {})).toBe(2);
});

test('pages follow one another, newest first, whatever arrives in between', async () => {
  await using database = await migratedDatabase();
  const { db } = database;
  const ids = await addLetters(db, { count: 25 });
  const seen: string[] = [];
  let after: string | undefined;
  do {
    const page = await findLetters(db, { states: ['dead'] }, { limit: 10, after });
    seen.push(...page.letters.map(({ letterId }) => String(letterId)));
    after = page.next === null ? undefined : String(page.next);
    await addLetters(db, { count: 7 });
  } while (after !== undefined);
  expect(seen).toEqual(ids.toReversed());
});

test('statistics count by state and by cause, with first and last of each', async () => {
  await using database = await migratedDatabase();
  const { db } = database;
  await addLetters(db, { count: 3, fingerprint: 'one', recordedAt: '2026-03-01T00:00:00Z' });
  await addLetters(db, {
    fingerprint: 'one',
    state: 'pending',
    recordedAt: '2026-03-02T00:00:00Z',
  });
  const [newest] = await addLetters(db, {
    fingerprint: 'one',
    state: 'resolved',
    code: 'future',
    message: 'of the newest',
    recordedAt: '2026-03-03T00:00:00Z',
  });
  await addLetters(db, { fingerprint: 'two', recordedAt: '2026-03-04T00:00:00Z' });
  const stats = await letterStats(db, {}, { groups: 1 });
  expect(stats).toEqual({
    letters: 6,
    byState: { dead: 4, pending: 1, resolved: 1 },
    groupCount: 2,
    groups: [
      {
        facts: {},
        fingerprint: 'one',
        letters: 5,
        byState: { dead: 3, pending: 1, resolved: 1 },
        code: 'future',
        field: '',
        message: 'of the newest',
        firstSeen: new Date('2026-03-01T00:00:00Z'),
        lastSeen: new Date('2026-03-03T00:00:00Z'),
        sample: { letterId: BigInt(newest ?? 0), topic: 'events', partition: 0, offset: 4n },
      },
    ],
  });
  const since = await letterStats(db, { since: '2026-03-02T00:00:00Z' }, { groups: 10 });
  expect(since.byState).toEqual({ dead: 1, pending: 1, resolved: 1 });
  expect(since.groups.map(({ fingerprint, letters }) => [fingerprint, letters])).toEqual([
    ['one', 2],
    ['two', 1],
  ]);
});

test('statistics by what records say of themselves add up to the same letters; older letters say nothing', async () => {
  await using database = await migratedDatabase();
  const { db } = database;
  const ofVersion4 = { code: 'schema_mismatch', field: 'schema_version' };
  await addLetters(db, { ...ofVersion4, count: 3, claimed: ['edge-3', 'c-7', '4'] });
  await addLetters(db, { ...ofVersion4, state: 'pending', claimed: ['edge-3', 'c-9', '4'] });
  await addLetters(db, { ...ofVersion4, claimed: ['edge-1', 'c-7', '5'] });
  await addLetters(db, { count: 2, claimed: ['', '', '1'] });
  await addLetters(db);
  const by = async (...facts: LetterFact[]) => {
    const { letters, groups, groupCount } = await letterStats(db, {}, { groups: 10, by: facts });
    expect([letters, groupCount]).toEqual([8, groups.length]);
    return groups.map((group) => [group.letters, ...Object.values(group.facts)]);
  };
  expect(await by('source')).toEqual([
    [4, 'edge-3'],
    [3, ''],
    [1, 'edge-1'],
  ]);
  expect(await by('campaign')).toEqual([
    [4, 'c-7'],
    [3, ''],
    [1, 'c-9'],
  ]);
  expect(await by('code', 'field')).toEqual([
    [5, 'schema_mismatch', 'schema_version'],
    [3, 'wrong_type', ''],
  ]);
  expect(await by('version', 'source')).toEqual([
    [4, '4', 'edge-3'],
    [2, '1', ''],
    [1, '', ''],
    [1, '5', 'edge-1'],
  ]);
  const cut = await letterStats(db, { claimedSources: [''] }, { groups: 1, by: ['version'] });
  expect(cut).toMatchObject({ letters: 3, groupCount: 2, groups: [{ facts: { version: '1' } }] });
});

test('statistics over 100,000 letters of 5 causes are exact; the time is printed', async () => {
  await using database = await migratedDatabase();
  const { db } = database;
  for (let cause = 0; cause < 5; cause += 1) {
    const fingerprint = String(cause).repeat(16);
    await addLetters(db, { count: 15_000, fingerprint, partition: cause });
    await addLetters(db, { count: 4_980, fingerprint, partition: cause, state: 'resolved' });
    await addLetters(db, { count: 20, fingerprint, partition: cause, state: 'pending' });
  }
  const startedMs = performance.now();
  const stats = await letterStats(db, {}, { groups: 20 });
  const tookMs = performance.now() - startedMs;
  process.stdout.write(`dead-letters stats over 100,000 letters: ${tookMs.toFixed(0)} ms\n`);
  expect(stats.byState).toEqual({ dead: 75_000, resolved: 24_900, pending: 100 });
  expect(stats.groups.map(({ byState }) => byState)).toEqual(
    Array.from({ length: 5 }, () => ({ dead: 15_000, resolved: 4_980, pending: 20 })),
  );
});
