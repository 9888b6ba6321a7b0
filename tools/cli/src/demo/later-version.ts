import { Buffer } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import { SCHEMA_VERSION } from '@adtally/event-schema';
import { AckedProducer, type KafkaSettings, type ProduceRecord } from '@adtally/kafka';
import { DemoError } from './errors.ts';

/** The version a producer was upgraded to before anybody who reads it. */
export const LATER_VERSION = SCHEMA_VERSION + 1;
export const LATER_CAMPAIGN = 'demo-later-version';
export const LATER_PRICE_MICROS = 1_234_567n;

/** Impressions as the upgraded producer sends them: valid but for their version. */
export function laterVersionRecords(topic: string, count: number): ProduceRecord[] {
  return Array.from({ length: count }, () => {
    const id = uuidV7(Date.now());
    const json =
      `{"schema_version":${LATER_VERSION},"event_type":"impression","impression_id":"${id}",` +
      `"occurred_at":"${new Date().toISOString()}","price_micros":${LATER_PRICE_MICROS},"currency":"EUR",` +
      `"campaign_id":"${LATER_CAMPAIGN}","creative_id":"cr-1","placement_id":"pl-1","shade":"new"}`;
    return { topic, key: id, value: Buffer.from(json) };
  });
}

/** Records that can never be counted. */
export function hopelessRecords(topic: string, count: number): ProduceRecord[] {
  return Array.from({ length: count }, (_, n) => ({ topic, key: `hopeless-${n}`, value: null }));
}

/** @throws DemoError where the broker does not take every one */
export async function send(kafka: KafkaSettings, records: readonly ProduceRecord[]): Promise<void> {
  const producer = await AckedProducer.connect(kafka);
  try {
    const outcomes = await producer.produceAll(records);
    if (outcomes.some((outcome) => outcome !== 'acked')) {
      throw new DemoError('the broker did not take every record');
    }
  } finally {
    await producer.close();
  }
}

function uuidV7(bornMs: number): string {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(bornMs, 0, 6);
  bytes[6] = 0x70 | ((bytes[6] as number) & 0x0f);
  bytes[8] = 0x80 | ((bytes[8] as number) & 0x3f);
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
