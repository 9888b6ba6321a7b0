import { shown } from '@adtally/pipeline/testing';
import { expect, test } from 'vitest';
import { SPIKE_ALERT } from '../src/volume-watch.ts';
import { stage } from './support/stage.ts';

test('a spike of dead letters is asked to be told in words: field, schema version, who sent them', async () => {
  const the = await stage();
  const ofVersion4 = (n: number, source: string) => {
    const { value, ...message } = shown(n);
    const json = String(value).replace(
      '"schema_version":1',
      `"schema_version":4,"source":"${source}"`,
    );
    return { ...message, value: Buffer.from(json) };
  };
  const { value, ...message } = shown(9);
  const noCurrency = Buffer.from(String(value).replace('"currency":"EUR",', ''));
  await the.ingest.take([
    ...[1, 2, 3].map((n) => ofVersion4(n, 'edge-3')),
    ofVersion4(4, 'edge-1'),
    { ...message, value: noCurrency },
  ]);
  const process = the.start({ DLQ_SPIKE_PER_MINUTE: '1' });
  const request = await process.until('the request', () =>
    the.db
      .selectFrom('notification_requests')
      .select(['alert_key', 'status', 'detail'])
      .where('alert', '=', SPIKE_ALERT)
      .executeTakeFirst(),
  );
  expect(request).toMatchObject({
    alert_key: the.dlq,
    status: 'firing',
    detail: {
      topic: the.dlq,
      lastMinute: 5,
      causes: [
        expect.stringMatching(
          /^schema version 4 \(this build reads 1\), 4 events, source edge-3 and 1 more \(fingerprint [0-9a-f]{16}\)$/,
        ),
        expect.stringMatching(/^missing field currency, 1 event, source unknown \(fingerprint/),
      ],
    },
  });
});
