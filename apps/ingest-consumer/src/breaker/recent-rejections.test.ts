import { EventBatch, type Rejection } from '@adtally/event-schema';
import { expect, test } from 'vitest';
import { RecentRejections } from './recent-rejections.ts';

const NO_CURRENCY: Rejection = { code: 'missing_field', field: 'currency', message: 'is missing' };
const OF_VERSION: Rejection = {
  code: 'schema_mismatch',
  field: 'schema_version',
  message: 'the version is unknown',
};

/** Rejected rows of one fetch, of these sources in turn. */
function noted(
  recent: RecentRejections,
  rejection: Rejection,
  count: number,
  sources: readonly string[] = ['edge-3'],
): void {
  const batch = new EventBatch(count);
  const rows = Array.from({ length: count }, (_, offset) => {
    const json = { schema_version: 4, source: sources[offset % sources.length] };
    const value = Buffer.from(JSON.stringify(json));
    const row = batch.append({ topic: 't', partition: 0, offset, key: null, value }, 1);
    batch.reject(row, rejection);
    return row;
  });
  recent.note(batch, rows);
}

test('few rejections are told exactly, with field, version, fingerprint and who sent them', () => {
  const recent = new RecentRejections();
  noted(recent, OF_VERSION, 3, ['edge-3', 'edge-3', 'edge-1']);
  noted(recent, NO_CURRENCY, 9);
  expect(recent.causes(12)).toEqual([
    expect.stringMatching(
      /^missing field currency, 9 events, source edge-3 \(fingerprint [0-9a-f]{16}\)$/,
    ),
    expect.stringMatching(
      /^schema version 4 \(this build reads 1\), 3 events, source edge-3 and 1 more \(fingerprint/,
    ),
  ]);
});

test('of many some stand for the others, and only the last ones count', () => {
  const recent = new RecentRejections();
  noted(recent, OF_VERSION, 1_000);
  noted(recent, NO_CURRENCY, 700, ['a', 'b']);
  expect(recent.causes(501).map((line) => line.split(' (')[0])).toEqual([
    'missing field currency, 501 events, source a and 1 more',
  ]);
  const all = recent.causes(1_700).map((line) => /([\d,]+) events/.exec(line)?.[1]);
  expect(all).toEqual(['1,000', '700']);
  for (let fetch = 0; fetch < 100; fetch += 1) noted(recent, NO_CURRENCY, 40);
  expect(recent.causes(300)).toHaveLength(1);
  expect(new RecentRejections().causes(5)).toEqual([]);
});
