import { encodeHeaders, insertSource } from '@adtally/db';
import { beforeEach, expect, test } from 'vitest';
import { BORN_MS, type FiguresStage, figuresStage, impressionId } from './support/figures-stage.ts';

let stage: FiguresStage;
let keys: string[];
beforeEach(async () => {
  stage = await figuresStage();
  keys = await stage.store([
    { type: 'impression', n: 1, at: '2026-03-28T23:30:00Z', amount: 2_000_000n },
    { type: 'click', n: 1, at: '2026-03-28T23:31:00Z', amount: 500_000n },
    { type: 'click', n: 2, at: '2026-03-28T23:31:00Z', amount: 1n, campaign: 'other' },
  ]);
});

const BOOK = ['--execute', '--reason', 'the producer corrected its price'];

/** A click's record as a producer sends it. */
function record(more: object, n = 1): Buffer {
  const click = {
    schema_version: 1,
    event_type: 'click',
    impression_id: impressionId(n),
    click_id: keys[n],
    occurred_at: '2026-03-28T23:31:00Z',
    campaign_id: n === 1 ? 'c-7' : 'other',
    creative_id: 'cr-1',
    placement_id: 'p-1',
    price_micros: 500_000,
    currency: 'EUR',
    source: 'edge-3',
  };
  return Buffer.from(JSON.stringify({ ...click, ...more }));
}

async function conflict(offset: bigint, value: Buffer, { n = 1, sourceId = stage.sourceId } = {}) {
  await stage.db
    .insertInto('conflicts')
    .values({
      source_id: sourceId,
      source_offset: offset,
      impression_id: impressionId(n),
      event_key: keys[n] ?? '',
      record_key: Buffer.from(impressionId(n)),
      record_value: value,
      record_headers: encodeHeaders([{ trace: 'abc' }]),
    })
    .execute();
}

test('conflicts are listed with what differs, by how much, who sent them and where both records lie', async () => {
  await conflict(50n, record({ price_micros: 750_000, creative_id: 'cr-\u202E2' }));
  await conflict(51n, record({ currency: 'USD' }, 2), { n: 2 });
  await conflict(52n, Buffer.from('{"schema_version":1'));
  const { code, stdout } = await stage.ops('conflicts', 'list');
  expect(code).toBe(0);
  const rows = stdout
    .trimEnd()
    .split('\n')
    .map((line) => line.split(/ {2,}/));
  expect(rows.map((row) => [row[0], ...row.slice(2)])).toEqual([
    ['CONFLICT', 'TYPE', 'CAMPAIGN', 'DIFFERS IN', 'AMOUNT', 'SENT BY', 'STORED', 'BOOKED'],
    ['ads/3@52', 'click', 'c-7', 'unreadable', '-', '-', 'ads/3@1', '0'],
    ['ads/3@51', 'click', 'other', 'amount_micros,currency', '-', 'edge-3', 'ads/3@2', '0'],
    [
      'ads/3@50',
      'click',
      'c-7',
      'amount_micros,creative_id',
      '+0.25 EUR',
      'edge-3',
      'ads/3@1',
      '0',
    ],
  ]);
  const { result } = await stage.json('conflicts', 'list', '--campaign', 'c-7', '--limit', '1');
  expect(result).toMatchObject({
    all: '2',
    conflicts: [{ conflict: 'ads/3@52', differences: null }],
  });
  for (const [filter, n] of [
    [['--topic', 'ads', '--partition', '3'], 3],
    [['--topic', 'none'], 0],
    [['--source', String(stage.sourceId)], 3],
    [['--until', '2026-01-01'], 0],
    [['--since', '2026-01-01'], 3],
  ] as const) {
    expect((await stage.json('conflicts', 'list', ...filter)).result.conflicts).toHaveLength(n);
  }
});

test('one conflict is shown field by field, its bytes masked unless somebody says why', async () => {
  await conflict(50n, record({ price_micros: 750_000, occurred_at: '2026-03-28T23:31:00.5Z' }));
  const masked = await stage.ops('conflicts', 'show', 'ads/3@50');
  expect(masked.code).toBe(0);
  expect(masked.stdout).toMatch(
    /occurred_at +2026-03-28T23:31:00.000000Z +2026-03-28T23:31:00.500000Z/,
  );
  expect(masked.stdout).toMatch(/amount_micros +500000 +750000/);
  expect(masked.stdout).toContain('"source": "string(6)"');
  expect(masked.stdout).toContain('header trace: 3 bytes');
  expect(await stage.ops('conflicts', 'show', 'ads/3@50', '--reveal')).toMatchObject({ code: 2 });
  const shown = ['conflicts', 'show', `${stage.sourceId}@50`, '--reveal', '--reason', 'ticket 8'];
  const { result } = await stage.json(...shown);
  expect(JSON.parse(result.revealed.value.text)).toMatchObject({ price_micros: 750_000 });
  expect(
    await stage.db.selectFrom('operator_actions').select(['actor', 'action', 'reason']).execute(),
  ).toEqual([{ actor: 'ann', action: 'reveal-conflict', reason: 'ticket 8' }]);
  expect(await stage.ops('conflicts', 'show', 'ads/3@51')).toMatchObject({ code: 4 });
  expect(await stage.ops('conflicts', 'show', 'ads')).toMatchObject({ code: 2 });
});

test('an adjustment is dry at first, signed, shown apart in the report, and taken back by a booking', async () => {
  await conflict(50n, record({ price_micros: 250_000 }));
  await conflict(51n, record({ price_micros: 250_000 }));
  await stage.sumUp(BORN_MS + 60_000);
  const adjust = ['conflicts', 'adjust', '--conflict', 'ads/3@50'];
  const dry = await stage.ops(...adjust);
  expect(dry).toMatchObject({ code: 0 });
  expect(dry.stdout).toContain('would book -0.25 EUR for the click of 2026-03-28T23:31:00.000000Z');
  expect(await stage.ops(...adjust, '--execute')).toMatchObject({ code: 2 });
  expect((await stage.json('conflicts', 'adjustments')).result).toEqual({ adjustments: [] });
  const booked = await stage.json(...adjust, ...BOOK);
  expect(booked).toMatchObject({
    code: 0,
    result: {
      executed: true,
      adjustment: { amount_micros: '-250000', actor: 'ann', campaign: 'c-7' },
    },
  });
  // The producer sent its correction twice: the other conflict is of the same event.
  const again = ['conflicts', 'adjust', '--conflict', 'ads/3@51', ...BOOK];
  expect(await stage.ops(...again)).toMatchObject({
    code: 4,
    stderr: expect.stringContaining('--again books another one'),
  });
  expect(await stage.ops(...again, '--again', '--amount-micros', '-7')).toMatchObject({ code: 0 });
  const report = ['report', '--from', '2026-03-28', '--to', '2026-03-29', '--campaign', 'c-7'];
  const figures = async () => (await stage.json(...report)).result.money;
  const spend = { currency: 'EUR', spend_micros: '2500000' };
  expect(await figures()).toMatchObject([
    { ...spend, adjustments: 2, adjusted_spend_micros: '-250007', adjusted_value_micros: '0' },
  ]);
  const undo = ['conflicts', 'adjust', '--undo', String(booked.result.adjustment.id)];
  expect((await stage.ops(...undo)).stdout).toContain('would book +0.25 EUR, the opposite of');
  expect(await stage.ops(...undo, ...BOOK)).toMatchObject({ code: 0 });
  for (const order of [[], BOOK]) {
    expect(await stage.ops(...undo, ...order)).toMatchObject({
      code: 4,
      stderr: expect.stringContaining('was taken back by'),
    });
  }
  expect(await figures()).toMatchObject([{ ...spend, adjusted_spend_micros: '-7' }]);
  const day = ['--from', '2026-03-28', '--to', '2026-03-29'];
  const listed = await stage.json('conflicts', 'adjustments', '--campaign', 'c-7', ...day);
  expect(listed.result.adjustments).toHaveLength(3);
  expect((await stage.ops('conflicts', 'show', 'ads/3@50')).stdout).toMatch(/undoes \d/);
  const signed = await stage.db
    .selectFrom('operator_actions')
    .select('reason')
    .where('action', '=', 'conflicts adjust')
    .execute();
  expect(signed).toHaveLength(3);
});

test('what cannot be booked by itself is refused with what to say', async () => {
  await conflict(50n, record({ currency: 'USD' }));
  await conflict(51n, record({ creative_id: 'cr-2' }));
  const made = { kind: 'events', topic: 'ads', topicId: 'id-2', partition: 3 } as const;
  const sourceId = await insertSource(stage.db, made, 0n).catch(async () => {
    await stage.db
      .updateTable('sources')
      .set({ closed_at: new Date() })
      .where('source_id', '=', stage.sourceId)
      .execute();
    return await insertSource(stage.db, made, 0n);
  });
  await conflict(51n, record({}), { sourceId });
  const adjust = async (...argv: string[]) => await stage.ops('conflicts', 'adjust', ...argv);
  for (const [argv, words, code] of [
    [['--conflict', 'ads/3@50'], 'name --amount-micros and --currency', 4],
    [['--conflict', `${stage.sourceId}@51`], 'both copies have the same amount', 4],
    [['--conflict', 'ads/3@51'], `${stage.sourceId}@51`, 2],
    [['--conflict', 'ads/3@50', '--amount-micros', '0'], 'must be a whole number of micros', 2],
    [['--conflict', 'ads/3@50', '--currency', 'USD'], '--currency needs --amount-micros', 2],
    [['--undo', '7'], 'there is no adjustment 7', 4],
    [['--undo', '7', '--amount-micros', '5'], '--undo books the opposite, whole', 2],
    [['--undo', '7', '--again'], '--undo books the opposite, whole', 2],
    [[], 'one of --conflict and --undo', 2],
  ] as const) {
    const refused = await adjust(...argv);
    expect([argv, refused.code]).toEqual([argv, code]);
    expect(refused.stderr).toContain(words);
  }
  const usd = ['--conflict', 'ads/3@50', '--amount-micros', '500000', '--currency', 'USD'];
  expect(await adjust(...usd, ...BOOK)).toMatchObject({ code: 0 });
  expect((await stage.json('conflicts', 'adjustments')).result.adjustments).toMatchObject([
    { amount_micros: '500000', currency: 'USD' },
  ]);
});
