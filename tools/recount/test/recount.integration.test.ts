import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import {
  issueStatement,
  renderStatement,
  type Statement,
  verifyStatement,
} from '@adtally/analytics';
import { auditDatabase, type Database } from '@adtally/db';
import { truncatePartition } from '@adtally/testkit';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { recount } from '../src/index.ts';
import { type CountedTopic, countedTopic } from './support/counted-topic.ts';
import { MAX, MIXED } from './support/mixed.ts';

const EVENTS = 12_000;

let stage: CountedTopic;
let db: Database;
let env: Record<string, string>;
let folder: string;
let statement: Statement;
let mixed: Statement;

beforeAll(async () => {
  stage = await countedTopic(EVENTS);
  ({ db, env, folder } = stage);
  await stage.sumUp();
  statement = await issueStatement(db, await stage.busiestCampaign());
  fileOf('statement.json', statement);
  mixed = await issueStatement(db, { campaignId: 'mixed', month: '2026-01', timeZone: 'UTC' });
}, 120_000);

afterAll(async () => {
  await stage[Symbol.asyncDispose]();
});

function fileOf(name: string, content: Statement): string {
  const path = join(folder, name);
  writeFileSync(path, renderStatement(content));
  return path;
}

async function recounted(...words: string[]) {
  const { code, stdout, stderr } = await recount([...words, '--json'], env);
  if (stdout === '') throw new Error(`exit code ${code}: ${stderr}`);
  return {
    code,
    ...(JSON.parse(stdout) as { differences: string[]; unknown: string[]; source: string }),
  };
}

/** Does something to the database, looks, and takes it back. */
async function changed<T>(change: string, undo: string, look: () => Promise<T>): Promise<T> {
  const { numAffectedRows } = await sql.raw(change).execute(db);
  expect(Number(numAffectedRows)).toBeGreaterThan(0);
  try {
    return await look();
  } finally {
    await sql.raw(undo).execute(db);
  }
}

test('the Python says what the contract says: its own tests', () => {
  const home = resolve(import.meta.dirname, '..');
  const words = ['-B', '-m', 'unittest', 'discover', '-s', 'tests', '-t', '.'];
  const ended = spawnSync('python3', words, { cwd: home, encoding: 'utf8' });
  expect(ended.stderr).toMatch(/\nOK\n$/);
  expect(ended.status).toBe(0);
});

describe('a topic with copies, conflicts, late and malformed records, in several currencies', () => {
  test('is recounted to the same rows, money, dead letters and rollups', async () => {
    const audit = await auditDatabase(db);
    expect(audit.balanced).toBe(true);
    expect(Number(audit.totals.consumed)).toBe(EVENTS + MIXED.length);
    expect(Number(audit.totals.duplicate) * Number(audit.totals.conflict)).toBeGreaterThan(0);
    expect(Object.keys(audit.totals.by_code).length).toBeGreaterThan(10);
    expect(await recounted('rows')).toMatchObject({ code: 0, differences: [], unknown: [] });
  });

  test('is what a statement says of it, recounted from the topic and from the rows', async () => {
    expect(Number(statement.events)).toBeGreaterThan(200);
    expect(statement.days.filter(({ currencies }) => currencies.length > 0).length).toBeGreaterThan(
      1,
    );
    expect(await verifyStatement(db, statement)).toEqual([]);
    const file = join(folder, 'statement.json');
    for (const source of ['topic', 'rows'])
      expect(await recounted('statement', file, '--source', source)).toMatchObject({
        code: 0,
        source,
        differences: [],
      });
  });

  test('is so in two currencies at once, of which one passes 2^63', async () => {
    expect(mixed.totals).toMatchObject([
      { currency: 'EUR', billed: { spend_micros: String(2n * MAX), click_conversions: '0' } },
      { currency: 'USD', billed: { click_value_micros: '7', click_conversions: '1' } },
    ]);
    const file = fileOf('mixed.json', mixed);
    for (const source of ['topic', 'rows'])
      expect(await recounted('statement', file, '--source', source)).toMatchObject({
        code: 0,
        source,
      });
  });

  /** One impression that the statement counts. */
  const one = (): string => {
    const [first, last] = [statement.days[0]?.from, statement.days.at(-1)?.to];
    return `(impression_id, event_key) = (SELECT impression_id, event_key FROM events
      WHERE campaign_id = '${statement.campaign_id}' AND event_type = 'impression'
        AND occurred_at >= '${first}' AND occurred_at < '${last}' ORDER BY event_key LIMIT 1)`;
  };
  const ADDED = '00000000-0000-8000-8000-000000000001';
  const flip = () => `UPDATE events SET amount_micros = amount_micros # 1 WHERE ${one()}`;
  test.each([
    {
      what: 'one changed amount',
      change: flip,
      undo: flip,
      ofStatement: /spend_micros: the statement says \d+, the/,
      ofDatabase: /1 stored events are not as in the topic: .*amount/,
    },
    {
      what: 'one missing event',
      change: () =>
        `WITH gone AS (DELETE FROM events WHERE ${one()} RETURNING *) INSERT INTO kept SELECT * FROM gone`,
      undo: () => 'INSERT INTO events SELECT * FROM kept',
      ofStatement: /impressions: the statement says \d+, the/,
      ofDatabase: /1 events of the topic are not stored/,
    },
    {
      what: 'one added event',
      change: () => `INSERT INTO events
        SELECT (jsonb_populate_record(e, '{"event_key": "${ADDED}", "event_type": "click"}')).* FROM events e WHERE ${one()}`,
      undo: () => `DELETE FROM events WHERE event_key = '${ADDED}'`,
      ofStatement: /clicks: the statement says \d+, the/,
      ofDatabase: /1 stored events are not in the topic/,
    },
  ])(
    '$what is noticed by the verification, by the recount of rows and by that of the database',
    async ({ change, undo, ofStatement, ofDatabase }) => {
      const file = join(folder, 'statement.json');
      await sql`CREATE TABLE IF NOT EXISTS kept AS SELECT * FROM events LIMIT 0`.execute(db);
      await changed(change(), undo(), async () => {
        expect((await verifyStatement(db, statement)).join('\n')).toMatch(ofStatement);
        const rows = await recounted('statement', file, '--source', 'rows');
        expect(rows.code).toBe(1);
        expect(rows.differences.join('\n')).toMatch(ofStatement);
        const database = await recounted('rows');
        expect(database.code).toBe(1);
        expect(database.differences.join('\n')).toMatch(ofDatabase);
        // The topic knows nothing of it.
        expect((await recounted('statement', file)).code).toBe(0);
      });
      expect((await recounted('rows')).code).toBe(0);
    },
  );

  test('a file that was changed, or is of another schema, is told apart from figures that are wrong', async () => {
    const forged = fileOf('forged.json', { ...statement, events: '1' });
    expect((await recounted('statement', forged)).differences[0]).toBe(
      'digest: the file is not as it was issued',
    );
    const other = fileOf('other.json', {
      ...statement,
      schema: 'adtally.statement/2',
    } as unknown as Statement);
    const { code, stderr } = await recount(['statement', other], env);
    expect({ code, stderr }).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("'adtally.statement/2'"),
    });
  });

  test('rollups and dead letters that are not what the topic comes to are named', async () => {
    const changes = [
      {
        change: 'UPDATE rollup_by_campaign SET clicks = clicks + 1000000 WHERE clicks > 0',
        undo: 'UPDATE rollup_by_campaign SET clicks = clicks - 1000000 WHERE clicks > 1000000',
        expected: /rollups differ: .* clicks: /,
      },
      {
        change: `UPDATE dead_letter_refs SET code = 'empty' WHERE code = 'oversize'`,
        undo: `UPDATE dead_letter_refs SET code = 'oversize' FROM kept_refs k
          WHERE k.source_id = dead_letter_refs.source_id AND k.source_offset = dead_letter_refs.source_offset`,
        expected: /dead letters differ: .*: empty, by the contract oversize/,
      },
    ];
    await sql`CREATE TABLE kept_refs AS SELECT * FROM dead_letter_refs WHERE code = 'oversize'`.execute(
      db,
    );
    for (const { change, undo, expected } of changes) {
      await changed(change, undo, async () => {
        const { code, differences } = await recounted('rows');
        expect(code).toBe(1);
        expect(differences.join('\n')).toMatch(expected);
      });
    }
    expect((await recounted('rows')).code).toBe(0);
  });

  test('where the topic no longer has the offsets it is recounted from the rows, and says so', async () => {
    const [range] = statement.offsets;
    const position = statement.as_of.find(({ source }) => source === range?.source);
    if (range === undefined || position === undefined) throw new Error('no offsets');
    await truncatePartition(
      position.topic,
      Number(position.partition),
      Number(range.first_offset) + 1,
    );
    const file = fileOf('truncated.json', statement);
    const { code, stdout } = await recount(['statement', file], env);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /note: not from the topic: .* begins at \d+, the events that are needed at \d+/,
    );
    expect(stdout).toContain('the recount from rows agrees');
    expect((await recount(['statement', file, '--source', 'topic'], env)).code).toBe(3);
    const { code: exit, stderr } = await recount(['rows'], env);
    expect(`${exit}: ${stderr}`).toMatch(
      /^3: .*begins at \d+, and was counted from \d: retention took/,
    );
  });
});
