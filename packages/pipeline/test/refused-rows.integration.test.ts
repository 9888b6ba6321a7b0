import { afterEach, describe, expect, it } from 'vitest';
import { useBench } from './support/bench.ts';
import { EVERYTHING_NEW } from './support/predictions.ts';
import type { Message } from './support/records.ts';
import type { TestLog } from './support/test-log.ts';

const bench = useBench();

const ROWS = 300;
const BAD = [0, 1, 97, 150, 151, 299];

const CHECK = `ALTER TABLE events ADD CONSTRAINT refuses CHECK (campaign_id <> 'poison')`;
const TRIGGER = `CREATE TRIGGER refuses BEFORE INSERT ON events FOR EACH ROW
                 WHEN (NEW.campaign_id = 'poison') EXECUTE FUNCTION refuses()`;

async function refuseBy(sqlState: string, ddl: string): Promise<void> {
  await bench.control.query(
    `CREATE OR REPLACE FUNCTION refuses() RETURNS trigger LANGUAGE plpgsql AS $body$
     BEGIN RAISE EXCEPTION 'refused' USING ERRCODE = '${sqlState}'; END $body$; ${ddl}`,
  );
}

afterEach(async () => {
  await bench.control.query(
    `ALTER TABLE events DROP CONSTRAINT IF EXISTS refuses;
     DROP TRIGGER IF EXISTS refuses ON events;
     DROP TRIGGER IF EXISTS refuses ON ledger;
     ALTER TABLE ledger DROP CONSTRAINT IF EXISTS refuses`,
  );
});

function withPoison(log: TestLog, bad: readonly number[]): Message[] {
  return Array.from({ length: ROWS }, (_, n) =>
    bad.includes(n) ? log.shown(n, { campaign: 'poison' }) : log.shown(n),
  );
}

async function refused(log: TestLog): Promise<{ at: number; code: string }[]> {
  return bench.control.query<{ at: number; code: string }>(
    `SELECT source_offset::int AS at, code FROM dead_letter_refs
     WHERE source_id = ANY ($1::int[]) ORDER BY 1`,
    [log.sourceIds],
  );
}

describe.each([
  ['a CHECK an operator added', '23514', CHECK],
  ['a trigger that raises 22xxx', '22023', TRIGGER],
  ['a trigger that raises 23xxx', '23503', TRIGGER],
])('rows refused by %s', (_what, sqlState, ddl) => {
  it.each([
    ['by COPY', { dedup: EVERYTHING_NEW }],
    ['by INSERT', {}],
  ])('I6: are dead-lettered as data_refused, exactly these, written %s', async (_how, how) => {
    const log = await bench.log();
    log.append(0, withPoison(log, BAD));
    await refuseBy(sqlState, ddl);
    const writer = bench.writer(log, { ...how, dlqTopic: await bench.topic() });
    await writer.claim(0);
    await writer.drain();
    expect(await refused(log)).toEqual(BAD.map((at) => ({ at, code: 'data_refused' })));
    expect(await bench.totals(log)).toMatchObject({ stored: ROWS - BAD.length, duplicate: 0 });
    expect(await writer.counter('adtally_database_errors_total', { class: 'data' })).toBe(1);
    await bench.expectSound();
  });
});

it('I6: a batch of refused rows alone is dead-lettered whole', async () => {
  const log = await bench.log();
  log.append(
    0,
    [1, 2, 3].map((n) => log.shown(n, { campaign: 'poison' })),
  );
  await refuseBy('22023', CHECK);
  const writer = bench.writer(log, { dlqTopic: await bench.topic() });
  await writer.claim(0);
  await writer.drain();
  expect(await bench.totals(log)).toMatchObject({ consumed: 3, stored: 0, dead_lettered: 3 });
  await bench.expectSound();
});

it('I5: when the first of two copies is refused, the second is stored', async () => {
  const log = await bench.log();
  log.append(0, [log.shown(1, { campaign: 'poison' }), log.shown(1), log.shown(1)]);
  await refuseBy('22023', CHECK);
  const writer = bench.writer(log, { dedup: EVERYTHING_NEW, dlqTopic: await bench.topic() });
  await writer.claim(0);
  await writer.drain();
  expect(await bench.totals(log)).toMatchObject({ stored: 1, duplicate: 1, dead_lettered: 1 });
  expect((await bench.stored(log)).map(({ offset }) => offset)).toEqual([1]);
  await bench.expectSound();
});

it('a constraint dropped while rows are being looked for dead-letters nothing', async () => {
  const log = await bench.log();
  log.append(0, withPoison(log, [3]));
  // Refuses COPY's transaction once, then drops itself: what a probe finds is not what the write met.
  await bench.control.query(
    `CREATE SEQUENCE tries;
     CREATE OR REPLACE FUNCTION refuses() RETURNS trigger LANGUAGE plpgsql AS $body$
     BEGIN
       IF nextval('tries') > 1 THEN RETURN NEW; END IF;
       RAISE EXCEPTION 'refused' USING ERRCODE = '22023';
     END $body$; ${TRIGGER}`,
  );
  const writer = bench.writer(log, { dedup: EVERYTHING_NEW });
  await writer.claim(0);
  await writer.drain();
  expect(await writer.counter('adtally_database_errors_total', { class: 'data' })).toBe(1);
  expect(await bench.totals(log)).toMatchObject({ stored: ROWS, dead_lettered: 0 });
  await bench.expectSound();
});

describe.each([
  ['42xxx from the statement that writes events', '42P01', TRIGGER],
  ['an unlisted SQLSTATE', 'P0001', TRIGGER],
  [
    'a constraint on the ledger',
    '23514',
    'ALTER TABLE ledger ADD CONSTRAINT refuses CHECK (stored < 200) NOT VALID',
  ],
  [
    'a trigger on the ledger that raises 22xxx',
    '22023',
    'CREATE TRIGGER refuses BEFORE INSERT ON ledger FOR EACH ROW EXECUTE FUNCTION refuses()',
  ],
])('%s', (_what, sqlState, ddl) => {
  it('stops the writer; nothing is dead-lettered, nothing committed', async () => {
    const log = await bench.log();
    log.append(0, withPoison(log, BAD));
    const writer = bench.writer(log);
    await writer.claim(0);
    await refuseBy(sqlState, ddl);
    await expect(writer.drain()).rejects.toMatchObject({ failure: { kind: 'bug', sqlState } });
    expect(await writer.counter('adtally_database_errors_total', { class: 'fatal' })).toBe(1);
    expect(await bench.totals(log)).toMatchObject({ consumed: 0 });
    expect(await refused(log)).toEqual([]);
    await bench.expectSound();
  });
});
