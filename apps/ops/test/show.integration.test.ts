import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { keepLetters } from './support/letters.ts';
import { opsStage } from './support/ops.ts';

const SECRET = 'someone@example.org';
const RECORD = {
  key: Buffer.from(`key of ${SECRET}`),
  value: Buffer.from(
    JSON.stringify({
      schema_version: 4,
      source: 'edge-3',
      campaign_id: 'c-7',
      event_type: SECRET,
      price_micros: 1234567,
      nested: { list: [SECRET, SECRET], flag: true, nothing: null },
    }),
  ),
  headers: [{ trace: Buffer.from(SECRET) }, { trace: Buffer.from([0, 255]) }],
};

test('but for source, campaign and version no payload value is in any output that was not asked to reveal it', async () => {
  const { db, ops, json } = await opsStage();
  const [id = ''] = await keepLetters(db, [RECORD]);
  const outputs = [];
  for (const argv of [
    ['dead-letters', 'list'],
    ['dead-letters', 'stats'],
    ['dead-letters', 'stats', '--by', 'code,field,version,source,campaign'],
    ['dead-letters', 'show', id],
    ['redrive'],
    ['discard'],
  ]) {
    for (const more of [[], ['--json']]) {
      const { code, stdout, stderr } = await ops(...argv, ...more);
      expect(code).toBe(0);
      outputs.push(stdout, stderr);
    }
  }
  const all = outputs.join('\n');
  for (const value of ['someone', 'example', '1234567', Buffer.from(SECRET).toString('base64')]) {
    expect(all).not.toContain(value);
  }
  const { result } = await json('dead-letters', 'show', id);
  expect(result).toMatchObject({
    found: true,
    id: Number(id),
    state: 'dead',
    source: 'edge-3',
    campaign: 'c-7',
    version: '4',
    topic: 'events',
    partition: 0,
    offset: 0,
    record_sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    copy: null,
    tries: [],
    receipts: [],
    record: {
      key: { bytes: RECORD.key.length },
      headers: [
        { name: 'trace', bytes: SECRET.length },
        { name: 'trace', bytes: 2 },
      ],
      value: {
        bytes: RECORD.value.length,
        sha256: createHash('sha256').update(RECORD.value).digest('hex'),
        utf8: true,
        structure: {
          schema_version: 'number(1)',
          source: 'string(6)',
          campaign_id: 'string(3)',
          event_type: 'string(19)',
          price_micros: 'number(7)',
          nested: { list: ['array(2)', 'string(19)'], flag: 'boolean', nothing: 'null' },
        },
      },
    },
  });
});

test('revealing takes a reason, prints the very bytes, and is noted', async () => {
  const { db, ops, json } = await opsStage();
  const binary = { ...RECORD, value: Buffer.from([0xff, 0x00]) };
  const steering = { value: Buffer.from('\u001b[2J"line"\u009b\u202e') };
  const ids = await keepLetters(db, [RECORD, binary, steering]);
  const refused = await ops('dead-letters', 'show', ids[0] ?? '', '--reveal');
  expect(refused).toMatchObject({ code: 2, stdout: '' });
  const reveal = async (id: string | undefined) =>
    (await json('dead-letters', 'show', id ?? '', '--reveal', '--reason', 'ticket 7')).result
      .revealed;
  expect(await reveal(ids[0])).toEqual({
    key: { encoding: 'utf-8', text: String(RECORD.key) },
    value: { encoding: 'utf-8', text: String(RECORD.value) },
    headers: [
      { name: 'trace', value: { encoding: 'utf-8', text: SECRET } },
      { name: 'trace', value: { encoding: 'base64', text: 'AP8=' } },
    ],
  });
  expect((await reveal(ids[1])).value).toEqual({ encoding: 'base64', text: '/wA=' });
  const text = await ops('dead-letters', 'show', ids[2] ?? '', '--reveal', '--reason', 'ticket 8');
  expect(text.stdout).toContain('\\u{1b}[2J"line"\\u{9b}\\u{202e}');
  const { rows } = await sql`
    SELECT actor, action, reason, detail FROM operator_actions ORDER BY action_id`.execute(db);
  expect(rows).toEqual(
    [0, 1, 2].map((index) => ({
      actor: 'ann',
      action: 'reveal-letter',
      reason: index < 2 ? 'ticket 7' : 'ticket 8',
      detail: { letter_id: Number(ids[index]) },
    })),
  );
});

test('names and messages from outside cannot steer the terminal', async () => {
  const { db, ops } = await opsStage();
  const evil = '\u001b[31mred\u009b';
  const [id = ''] = await keepLetters(db, [
    {
      value: Buffer.from(JSON.stringify({ [evil]: 1 })),
      headers: [{ [evil]: Buffer.from('x') }],
      code: evil,
      message: evil,
    },
  ]);
  for (const argv of [['list'], ['stats'], ['show', id]]) {
    const { code, stdout } = await ops('dead-letters', ...argv);
    expect(code).toBe(0);
    expect(stdout).toContain('red');
    expect(stdout).toMatch(/^[\x20-\x7e\n]*$/);
  }
});

test('what is no JSON has no structure; expired bytes can be neither shown nor revealed', async () => {
  const { db, ops, json } = await opsStage();
  const ids = await keepLetters(db, [
    { value: Buffer.from('not {json') },
    { value: null, key: null },
    { value: Buffer.from(`${'['.repeat(2_000)}1${']'.repeat(2_000)}`) },
    { value: Buffer.from('x'), hasBytes: false },
  ]);
  const record = async (index: number) =>
    (await json('dead-letters', 'show', ids[index] ?? '')).result.record;
  expect((await record(0)).value).toMatchObject({ bytes: 9, utf8: true });
  expect((await record(0)).value).not.toHaveProperty('structure');
  expect(await record(1)).toEqual({ key: null, value: null, headers: [] });
  expect(JSON.stringify((await record(2)).value.structure).length).toBeLessThan(200);
  expect(await record(3)).toBeNull();
  const gone = await ops('dead-letters', 'show', ids[3] ?? '', '--reveal', '--reason', 'look');
  expect(gone.code).toBe(4);
  const unknown = await json('dead-letters', 'show', '999');
  expect(unknown).toEqual({ code: 4, result: { found: false } });
  const { rows } = await sql`SELECT FROM operator_actions`.execute(db);
  expect(rows).toEqual([]);
});
