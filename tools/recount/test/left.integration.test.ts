import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { issueStatement, renderStatement } from '@adtally/analytics';
import { dropDays } from '@adtally/db';
import { sql } from 'kysely';
import { expect, onTestFinished, test } from 'vitest';
import { recount } from '../src/index.ts';
import { countedTopic } from './support/counted-topic.ts';

test('what of the topic left with its days is told by number and key, and by the rollups; what nobody can tell is said', async () => {
  const stage = await countedTopic(1_500);
  onTestFinished(async () => stage[Symbol.asyncDispose]());
  const { db, env, folder } = stage;
  await stage.sumUp();
  const recounted = async (...words: string[]) => {
    const { code, stdout, stderr } = await recount([...words, '--json'], env);
    const { differences = [], notes = [] } = stdout === '' ? {} : JSON.parse(stdout);
    // With an answer, what stands on standard error is what the Kafka client has to say of its connections.
    const said = stdout === '' ? stderr : notes.join('\n');
    return { code, differences: differences.join('\n'), said };
  };
  const campaign = { campaignId: 'mixed', month: '2026-01', timeZone: 'UTC' };
  const file = join(folder, 'statement.json');
  writeFileSync(file, renderStatement(await issueStatement(db, campaign)));
  const byRows = ['statement', file, '--source', 'rows'];
  expect(await recounted(...byRows)).toMatchObject({ code: 0 });

  await sql`CREATE TABLE saved AS SELECT * FROM events`.execute(db);
  const { dropped, waiting } = await dropDays(db, {
    nowMs: Date.now(),
    retentionDays: 0,
    archive: null,
    keepsRollups: true,
    signal: new AbortController().signal,
  });
  expect(waiting).toEqual([]);
  expect(dropped.length).toBeGreaterThan(2);
  const days = dropped.filter((day) => day.rows > 0n).length;
  const rows = dropped.reduce((sum, day) => sum + day.rows, 0n);
  expect(await recounted('rows')).toMatchObject({
    code: 0,
    differences: '',
    said: expect.stringContaining(`${rows} events left with ${days} days`),
  });
  // The statement is still what the topic comes to; the rows cannot say.
  expect(await recounted('statement', file)).toMatchObject({ code: 0 });
  expect(await recounted(...byRows)).toMatchObject({
    code: 3,
    said: expect.stringContaining('left the database with'),
  });

  // Of one row alone, where changes of several could make up for each other.
  const oneRow =
    'WHERE (source_id, day) = (SELECT source_id, max(day) FROM retired_day_counts GROUP BY 1 ORDER BY 1 LIMIT 1)';
  for (const [change, undo, where, expected] of [
    [
      'rows = rows + 1',
      'rows = rows - 1',
      '',
      /: \d+ events with fingerprint -?\d+ left, \d+ events/,
    ],
    [
      'fingerprint = fingerprint # 1',
      'fingerprint = fingerprint # 1',
      oneRow,
      /source \d+: the ledger/,
    ],
    [
      'end_offset = end_offset + 1',
      'end_offset = end_offset - 1',
      '',
      /\[\d+, \d+\) are in the topic/,
    ],
  ] as const) {
    await sql`UPDATE retired_day_counts SET ${sql.raw(`${change} ${where}`)}`.execute(db);
    const { code, differences } = await recounted('rows');
    expect([code, differences]).toEqual([1, expect.stringMatching(expected)]);
    await sql`UPDATE retired_day_counts SET ${sql.raw(`${undo} ${where}`)}`.execute(db);
  }

  // Back from an archive they can be compared in full again.
  for (const { day } of dropped) {
    await sql`SELECT build_restored_day(${day.label}::date)`.execute(db);
    await sql`INSERT INTO restored.${sql.id(day.table)} SELECT s.* FROM saved s
      WHERE s.impression_id >= ${day.fromId} AND s.impression_id < ${day.toId}
        AND rollup_cohort(s.impression_id) >= 0`.execute(db);
    await sql`SELECT attach_restored_day(${day.label}::date, 0, '')`.execute(db);
  }
  expect(await recounted('rows')).toMatchObject({ code: 0, differences: '', said: '' });
  expect(await recounted(...byRows)).toMatchObject({ code: 0, differences: '' });
  await sql`UPDATE restored.events SET creative_id = 'another'
    WHERE event_key = (SELECT event_key FROM restored.events LIMIT 1)`.execute(db);
  expect(await recounted('rows')).toMatchObject({
    code: 1,
    differences: expect.stringMatching(/^1 events that came back are not those of the topic/),
  });
});
