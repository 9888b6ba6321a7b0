import { garbage, shown } from '@adtally/pipeline/testing';
import {
  otlpReceiver,
  produceRecords,
  type OtlpReceiver,
  type ReceivedSpan,
  type TimedRecord,
} from '@adtally/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { stage } from './support/stage.ts';

const RECORDS = 400;
const hex = (n: number, digits: number): string => n.toString(16).padStart(digits, '0');
const traceOf = (n: number): string => hex(n + 1, 32);
const spanOf = (n: number): string => hex(n + 1, 16);

/** Events of which every fifth names a span; among them headers that name none, and records that are no events. */
const records: TimedRecord[] = Array.from({ length: RECORDS }, (_, n) => {
  const record = n % 100 === 99 ? garbage(`${n}`) : shown(n);
  const parents =
    n % 5 === 0
      ? [`00-${traceOf(n)}-${spanOf(n)}-01`]
      : n % 5 === 1
        ? [`00-${traceOf(n)}-${spanOf(n)}-00`, 'nonsense', `00-${traceOf(n)}-${spanOf(n)}`].slice(
            n % 3,
            (n % 3) + 1,
          )
        : n % 5 === 2
          ? [`00-${traceOf(n)}-${spanOf(n)}-01`, `00-${traceOf(n)}-${spanOf(n)}-01`]
          : [];
  return {
    partition: 0,
    key: record.key as Buffer | null,
    value: record.value,
    headers: parents.map((parent) => ({ traceparent: parent })),
  };
});

async function receiver(): Promise<OtlpReceiver> {
  const opened = await otlpReceiver();
  onTestFinished(() => opened.close());
  return opened;
}

const roots = (spans: readonly ReceivedSpan[]): ReceivedSpan[] =>
  spans.filter(({ parentId }) => parentId === '');

const sum = (spans: readonly ReceivedSpan[], attribute: string): number =>
  spans.reduce((total, { attributes }) => total + Number(attributes[attribute] ?? 0), 0);

test('each batch is a trace with its steps, linked to the spans its records name; metrics are pushed too', async () => {
  const the = await stage({ partitions: 1 });
  const collector = await receiver();
  await produceRecords(the.topic, records);
  const consumer = the.start({
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20token-of-a-collector',
    OTEL_SERVICE_NAME: 'ingest-eu',
    OTEL_METRIC_EXPORT_INTERVAL: '1s',
  });
  await the.untilConsumed(RECORDS, consumer);
  const stored = 'adtally_events_total{outcome=stored}';
  await consumer.until('metrics to be pushed', () => collector.series.get(stored) === RECORDS - 4);
  await consumer.untilMetric('adtally_otlp_exports_total', (sent) => sent > 0, 'metrics', 'sent');
  // Scraping stays.
  await consumer.untilMetric('adtally_events_total', RECORDS - 4, 'stored');
  expect((await consumer.stop()).code).toBe(0);

  const batches = roots(collector.spans);
  expect(batches.length).toBeGreaterThan(0);
  for (const batch of batches) {
    expect(batch).toMatchObject({ service: 'ingest-eu', name: `process ${the.topic}`, kind: 5 });
    const steps = collector.spans.filter(({ parentId }) => parentId === batch.spanId);
    expect(steps.every(({ traceId }) => traceId === batch.traceId)).toBe(true);
    expect(steps.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['fill', 'prepare', 'write']),
    );
    expect(batch.links.length).toBeLessThanOrEqual(32);
    for (const step of steps) expect(step.durationMs).toBeLessThanOrEqual(batch.durationMs + 1);
  }
  expect(sum(batches, 'messaging.batch.message_count')).toBe(RECORDS);
  expect(sum(batches, 'adtally.batch.stored')).toBe(RECORDS - 4);
  expect(sum(batches, 'adtally.batch.dead_lettered')).toBe(4);
  expect(collector.spans.some(({ name }) => name === 'dead-letter')).toBe(true);
  const named = records.map((_, n) => `${traceOf(n)}-${spanOf(n)}`);
  const links = batches.flatMap((batch) => batch.links);
  expect(links.length).toBeGreaterThan(5);
  expect(links.filter((link) => named.indexOf(link) % 5 !== 0)).toEqual([]);
  expect(collector.headers['authorization']).toBe('Bearer token-of-a-collector');
});

test('a collector that is away or refuses is said once, and counting and the drain go on as ever', async () => {
  const the = await stage({ partitions: 1 });
  const collector = await receiver();
  collector.status = 503;
  await produceRecords(the.topic, records);
  const consumer = the.start({
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_EXPORTER_OTLP_TIMEOUT: '500ms',
    OTEL_METRIC_EXPORT_INTERVAL: '1s',
  });
  const failed = async (n: number, signal: string) =>
    consumer.untilMetric('adtally_otlp_exports_total', (count) => count >= n, signal, 'failed');
  await the.untilConsumed(RECORDS, consumer);
  await failed(1, 'traces');
  await failed(2, 'metrics');
  await collector.close();
  await produceRecords(the.topic, records);
  await the.untilConsumed(2 * RECORDS, consumer);
  await failed(4, 'metrics');
  const said = consumer.entries.filter(({ msg }) => msg.startsWith('exports do not arrive'));
  expect(said.map(({ signal }) => signal).toSorted()).toEqual(['metrics', 'traces']);
  expect((await consumer.stop()).code).toBe(0);
});

test('where nothing is to be exported nothing is, and a protocol we do not speak is refused by name', async () => {
  const the = await stage({ partitions: 1 });
  const collector = await receiver();
  const grpc = await the.start({
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
  }).ended;
  expect(grpc.code).toBe(78);
  expect(grpc.stderr).toContain('OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" is not allowed');
  await produceRecords(the.topic, records);
  const consumer = the.start({
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_SDK_DISABLED: 'true',
  });
  await the.untilConsumed(RECORDS, consumer);
  expect((await consumer.stop()).code).toBe(0);
  expect(collector.requests).toBe(0);
});
