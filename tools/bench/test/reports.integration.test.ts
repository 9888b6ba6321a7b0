import { readKafkaSettings } from '@adtally/kafka/env';
import { servers } from '@adtally/testkit';
import { expect, test } from 'vitest';
import { benchReports } from '../src/index.ts';

test('months are filled, summed up and folded, and reports of them are what the events come to', async () => {
  const addresses = await servers();
  const kafka = readKafkaSettings({ KAFKA_BROKERS: addresses.kafkaBrokers });
  const found = await benchReports(addresses, kafka, {
    campaigns: 4,
    months: 1,
    impressions: 1,
    onProgress: () => undefined,
  });
  expect(found).toMatchObject({ campaigns: 4, days: 30, exact: true });
  // An hour has one row, however many cohorts its impressions were of, and some by conversions of days before.
  expect(found.campaign_month.rows).toBeGreaterThanOrEqual(30 * 24);
  expect(found.campaign_month.rows).toBeLessThan(30 * 24 * 2);
}, 300_000);
