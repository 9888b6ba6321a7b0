import { Buffer } from 'node:buffer';
import { REJECTION_CODES, type RejectionCode } from '@adtally/event-schema';
import { proxyFor } from '@adtally/testkit';
import { afterEach, expect, it } from 'vitest';
import { useBench } from './support/bench.ts';
import { endOf } from './support/dlq-reader.ts';
import { BORN_MS, garbage, idAt, impression, messageOf, type Message } from './support/records.ts';
import { referencesOf } from './support/references.ts';
import type { TestLog } from './support/test-log.ts';

const bench = useBench();

const references = (log: TestLog) => referencesOf(bench.control, log);

afterEach(async () => {
  await bench.control.query('UPDATE write_guards SET horizon_ms = 0');
});

/** One message a rejection that classification can give. */
const REJECTED: Partial<Record<RejectionCode, Message>> = {
  empty: { ...garbage(), value: null },
  oversize: garbage('x'.repeat(70_000)),
  invalid_utf8: { ...garbage(), value: Buffer.from([0x7b, 0xff, 0x7d]) },
  malformed_json: garbage('{"a":'),
  too_deep: garbage(`{"a":${'['.repeat(100)}${']'.repeat(100)}}`),
  repeated_field: edited('"currency":"EUR"', '"currency":"EUR","currency":"USD"'),
  nul_character: edited('campaign-1', 'campaign\\u0000'),
  lone_surrogate: edited('campaign-1', 'campaign\\ud800'),
  not_a_number: edited('1500000', 'NaN'),
  missing_field: edited('"currency":"EUR",', ''),
  wrong_type: edited('1500000', '"1500000"'),
  out_of_range: edited('1500000', '-1'),
  schema_mismatch: edited('"schema_version":1', '"schema_version":9999'),
  key_mismatch: messageOf(impression({ n: 1 }), {
    headers: [{ 'adtally-event-key': Buffer.from(idAt(BORN_MS, 2)) }],
  }),
  future: messageOf(impression({ n: 1, bornMs: BORN_MS + 90_000_000 })),
  expired: messageOf(impression({ n: 1, bornMs: BORN_MS - 2 })),
};
/** These need a database that refuses; refused-rows and blocked-rows show them. */
const OF_THE_DATABASE: RejectionCode[] = ['data_refused', 'transient_downstream'];

function edited(from: string, to: string): Message {
  const message = messageOf(impression({ n: 1 }));
  const text = String(message.value);
  if (!text.includes(from)) throw new Error(`${from} is not in ${text}`);
  return { ...message, value: Buffer.from(text.replace(from, to)) };
}

it('I6: every rejection ends in one reference with its own code', async () => {
  const codes = REJECTION_CODES.filter((code) => !OF_THE_DATABASE.includes(code));
  expect(Object.keys(REJECTED).toSorted()).toEqual(codes.toSorted());
  await bench.control.query(`UPDATE write_guards SET horizon_ms = ${BORN_MS - 1}`);
  const log = await bench.log();
  log.append(
    0,
    codes.map((code) => REJECTED[code] as Message),
  );
  log.append(0, [log.shown(1)]);
  const writer = bench.writer(log, { dlqTopic: await bench.topic() });
  writer.committer.horizonMs = BORN_MS - 1;
  await writer.claim(0);
  await writer.drain();
  expect((await references(log)).map(({ at, code }) => [at, code])).toEqual(
    codes.map((code, at) => [at, code]),
  );
  expect(await bench.totals(log)).toMatchObject({ stored: 1, dead_lettered: codes.length });
  await bench.expectSound();
});

it('a horizon that moved after classification expires what lies behind it, in one try more', async () => {
  const log = await bench.log();
  const dlqTopic = await bench.topic();
  log.append(0, [
    log.shown(1, { bornMs: BORN_MS - 10 }),
    log.shown(2),
    log.shown(3, { bornMs: BORN_MS - 10 }),
  ]);
  const writer = bench.writer(log, { dlqTopic });
  await writer.claim(0);
  const work = writer.work(log.records);
  await bench.control.query(`UPDATE write_guards SET horizon_ms = ${BORN_MS}`);
  await writer.commit(work);
  expect(writer.committer.horizonMs).toBe(BORN_MS);
  expect(await references(log)).toMatchObject([
    { at: 0, code: 'expired' },
    { at: 2, code: 'expired' },
  ]);
  expect(await endOf(dlqTopic)).toBe(2);
  expect(await bench.totals(log)).toMatchObject({ stored: 1, dead_lettered: 2 });
  await bench.expectSound();
});

it.each([
  ['read', false],
  ['prepared', true],
])(
  'a batch %s while the one before it met the moved horizon is held against it too',
  async (_how, isPrepared) => {
    const log = await bench.log();
    log.append(0, [log.shown(1), log.shown(2, { bornMs: BORN_MS - 10 })]);
    const writer = bench.writer(log, { dlqTopic: await bench.topic() });
    await writer.claim(0);
    const inHand = writer.work(log.read(0, 0, 1));
    const readAhead = writer.work(log.read(0, 1));
    if (isPrepared) await writer.committer.prepare(readAhead, writer.abandon.signal);
    await bench.control.query(`UPDATE write_guards SET horizon_ms = ${BORN_MS}`);
    await writer.commit(inHand);
    await writer.commit(readAhead);
    expect(await references(log)).toMatchObject([{ at: 1, code: 'expired' }]);
    expect(await bench.totals(log)).toMatchObject({ stored: 1, dead_lettered: 1 });
    await bench.expectSound();
  },
);

it('I13: a session lost while the moved horizon is read is opened again', async () => {
  await using proxy = await proxyFor(bench.url);
  const log = await bench.log();
  log.append(0, [log.shown(1), log.shown(2, { bornMs: BORN_MS - 10 })]);
  const writer = bench.writer(log, {
    dlqTopic: await bench.topic(),
    databaseUrl: proxy.urlFor(bench.url),
  });
  await writer.claim(0);
  const work = writer.work(log.records);
  await bench.control.query(`UPDATE write_guards SET horizon_ms = ${BORN_MS}`);
  const cut = proxy.cutBeforeForwarding((bytes) => bytes.includes('SELECT horizon_ms'));
  await writer.commit(work);
  await cut;
  expect(await bench.totals(log)).toMatchObject({ stored: 1, dead_lettered: 1 });
  await bench.expectSound();
});
