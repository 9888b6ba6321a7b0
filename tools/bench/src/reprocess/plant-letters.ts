import { Buffer } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import { AckedProducer, type KafkaSettings, type ProduceRecord } from '@adtally/kafka';
import { BenchError } from '../errors.ts';

/** Of every thousand records so many can never be counted, in four causes; the others are version 2. */
export const HOPELESS_PER_THOUSAND = 41;
/** One of these per thousand stands for the poison pill among good letters. */
const HOPELESS = [
  (json: string) => json.replace('"EUR"', '"euro"'),
  (json: string) => json.replace(/"price_micros":\d+,/, ''),
  (json: string) => json.replace('"campaign_id":"c-7"', '"campaign_id":7'),
  (json: string) => json.slice(0, -1),
] as const;
const CHUNK = 5_000;

/**
 * Fills a topic with records that a consumer of today refuses: a new schema version (which a later
 * deployment reads), and four kinds of broken ones that stay broken. Returns how many of each.
 */
export async function plantLetters(
  kafka: KafkaSettings,
  topic: string,
  letters: number,
): Promise<{ curable: number; hopeless: number }> {
  const producer = await AckedProducer.connect(kafka, { mode: 'bulk' });
  let hopeless = 0;
  try {
    for (let from = 0; from < letters; from += CHUNK) {
      const records: ProduceRecord[] = [];
      for (let n = from; n < Math.min(letters, from + CHUNK); n += 1) {
        const place = n % 1_000;
        const isHopeless = place < HOPELESS_PER_THOUSAND;
        if (isHopeless) hopeless += 1;
        const spoil = isHopeless ? HOPELESS[place % HOPELESS.length] : undefined;
        records.push(recordOf(topic, spoil ?? ((json) => json)));
      }
      const outcomes = await producer.produceAll(records);
      if (outcomes.some((outcome) => outcome !== 'acked'))
        throw new BenchError('the broker did not take every record');
    }
  } finally {
    await producer.close();
  }
  return { curable: letters - hopeless, hopeless };
}

function recordOf(topic: string, spoil: (json: string) => string): ProduceRecord {
  const id = uuidV7(Date.now());
  const json =
    `{"schema_version":2,"event_type":"impression","impression_id":"${id}",` +
    `"occurred_at":"${new Date().toISOString()}","price_micros":1500,"currency":"EUR",` +
    `"campaign_id":"c-7","creative_id":"cr-19","placement_id":"home-top"}`;
  return { topic, key: id, value: Buffer.from(spoil(json)) };
}

function uuidV7(bornMs: number): string {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(bornMs, 0, 6);
  bytes[6] = 0x70 | ((bytes[6] as number) & 0x0f);
  bytes[8] = 0x80 | ((bytes[8] as number) & 0x3f);
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
