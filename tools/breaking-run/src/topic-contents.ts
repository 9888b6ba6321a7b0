import type { SourceRecord } from '@adtally/event-schema';
import { BatchUnreadable, KafkaAdmin, TopicReader, type Watermarks } from '@adtally/kafka';
import { identityOf } from './identity.ts';
import type { World } from './world.ts';

const FETCH_RECORDS = 1_000;
const FETCH_MS = 500;
const LIMIT_MS = 60_000;

/** Where a record lies that says to be a certain event; whether it is one that can be counted it does not tell. */
export type Place = `${number}@${number}`;

/** Reads the whole events topic as it is by now: where each identity lies first. What cannot be read is left out. */
export async function readIdentities({ servers, names }: World): Promise<Map<string, Place>> {
  const settings = {
    brokers: servers.kafka.internalBrokers,
    clientId: 'breaking-run',
    security: {},
  };
  const ends = await logsOf(settings, names.events);
  const reader = await TopicReader.connect(settings, { topic: names.events });
  const places = new Map<string, Place>();
  try {
    for (const [partition, { logStart }] of ends) reader.start(partition, logStart);
    const isRead = ([partition, { end }]: [number, { end: number }]): boolean =>
      (reader.position(partition) ?? 0) >= end;
    const deadline = performance.now() + LIMIT_MS;
    while (![...ends].every(isRead)) {
      if (performance.now() > deadline) throw new Error(`${names.events} was not read to its end`);
      for (const record of await fetchAround(reader)) {
        const identity = identityIn(record);
        const place: Place = `${record.partition}@${record.offset}`;
        if (identity !== null && !places.has(identity)) places.set(identity, place);
      }
    }
    return places;
  } finally {
    await reader.close();
  }
}

type Settings = ConstructorParameters<typeof KafkaAdmin>[0];

async function logsOf(settings: Settings, topic: string): Promise<Map<number, Watermarks>> {
  const admin = new KafkaAdmin(settings);
  try {
    const { partitions = [] } = (await admin.describeTopic(topic)) ?? {};
    const logs = new Map<number, Watermarks>();
    for (const { partition } of partitions) {
      logs.set(partition, await admin.watermarks(topic, partition));
    }
    return logs;
  } finally {
    admin.close();
  }
}

/** The next records; a damaged batch is gone around. */
async function fetchAround(reader: TopicReader): Promise<readonly SourceRecord[]> {
  try {
    return await reader.fetch(FETCH_RECORDS, FETCH_MS);
  } catch (error) {
    if (!(error instanceof BatchUnreadable) || error.at.end === null) throw error;
    const { partition, end } = error.at;
    reader.stop(partition);
    reader.start(partition, end);
    return [];
  }
}

function identityIn({ value }: SourceRecord): string | null {
  try {
    const event = JSON.parse(String(value)) as Record<string, unknown>;
    return identityOf({
      type: String(event['event_type']),
      impressionId: String(event['impression_id']),
      clickId: textOf(event['click_id']),
      conversionId: textOf(event['conversion_id']),
    });
  } catch {
    return null;
  }
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}
