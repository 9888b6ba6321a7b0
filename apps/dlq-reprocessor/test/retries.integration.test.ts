import { Buffer } from 'node:buffer';
import { DEAD_LETTER_HEADERS, splitHeaders } from '@adtally/event-schema';
import { otlpReceiver } from '@adtally/testkit';
import { sql } from 'kysely';
import { expect, onTestFinished, test } from 'vitest';
import { garbage, shown } from '@adtally/pipeline/testing';
import { stage } from './support/stage.ts';

test('I6: letters the database refused are stored once it takes them, each in the commit that resolves it', async () => {
  const the = await stage();
  await sql`ALTER TABLE events ADD CONSTRAINT no_poison CHECK (campaign_id <> 'poison')`.execute(
    the.db,
  );
  const collector = await otlpReceiver();
  onTestFinished(() => collector.close());
  const [trace, span] = ['4bf92f3577b34da6a3ce929d0e0e4736', '00f067aa0ba902b7'];
  const headers = [{ traceparent: Buffer.from(`00-${trace}-${span}-01`) }];
  const refused = Array.from({ length: 20 }, (_, n) => ({ ...shown(100 + n, 'poison'), headers }));
  await the.ingest.take([shown(1), ...refused, shown(2)]);
  const process = the.start({
    MAX_ATTEMPTS: '50',
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
  });
  await the.untilStates({ pending: 20 }, process);
  await process.untilMetric('adtally_retries_total', (tries) => tries > 0, 'failed');
  await sql`ALTER TABLE events DROP CONSTRAINT no_poison`.execute(the.db);
  await the.untilStates({ resolved: 20 }, process);
  const { rows } = await sql<{ stored: number; tries: number }>`
    SELECT (SELECT count(*)::int FROM events) AS stored,
           (SELECT count(*)::int FROM dead_letter_attempts WHERE outcome = 'stored') AS tries`.execute(
    the.db,
  );
  expect(rows).toEqual([{ stored: 22, tries: 20 }]);
  await the.expectBalanced();
  expect((await process.stop()).code).toBe(0);
  // The letters still say what their producer was doing.
  const retries = collector.spans.filter(({ name }) => name.startsWith('retry '));
  expect(retries.length).toBeGreaterThan(1);
  for (const { links } of retries) expect(links).toEqual([`${trace}-${span}`]);
  const stored = retries.map(({ attributes }) => Number(attributes['adtally.batch.stored']));
  expect(stored.reduce((total, events) => total + events, 0)).toBe(20);
});

test('I6: a letter that fails every time goes to the dead topic after just so many tries, bytes unchanged', async () => {
  const the = await stage();
  const headers = [{ trace: Buffer.from([1, 255, 0]) }];
  const bad = [
    { ...garbage('a'), headers },
    { ...garbage('b'), key: null },
    { ...garbage('c'), value: null },
  ];
  await the.ingest.take(bad);
  const process = the.start({ MAX_ATTEMPTS: '3', MAX_ATTEMPTS_BY_CODE: 'empty=1' });
  await the.untilStates({ dead: 3 }, process);
  const dead = await the.deadRecords();
  expect(dead).toHaveLength(3);
  const byOffset = dead.map((record) => ({ record, split: splitHeaders(record.headers) }));
  for (const { record, split } of byOffset) {
    const added = split?.added;
    const offset = Number(added?.get(DEAD_LETTER_HEADERS.offset));
    const original = bad[offset];
    expect(record.key ?? null).toEqual(original?.key ?? null);
    expect(record.value).toEqual(original?.value);
    expect(split?.own).toEqual(original?.headers ?? []);
    expect(Object.fromEntries(added ?? [])).toMatchObject({
      '__connect.errors.topic': the.ingest.topic,
      'adtally.topic.id': the.ingest.topic,
      'adtally.error.code': offset === 2 ? 'empty' : 'malformed_json',
      'adtally.error.fingerprint': expect.stringMatching(/^[0-9a-f]{16}$/),
      'adtally.letter.series': '1',
      'adtally.letter.attempts': offset === 2 ? '1' : '3',
    });
  }
  const { rows } = await sql<{ tries: number }>`
    SELECT count(*)::int AS tries FROM dead_letter_attempts
    WHERE outcome = 'failed' AND finished_at IS NOT NULL`.execute(the.db);
  expect(rows).toEqual([{ tries: 7 }]);
  await the.expectBalanced();
});
