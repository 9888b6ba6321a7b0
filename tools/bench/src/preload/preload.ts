import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { simulate } from '@adtally/event-simulator';
import { KafkaAdmin, KafkaRequestError, type KafkaSettings, type Watermarks } from '@adtally/kafka';
import { BenchError } from '../errors.ts';
import { removeChoice } from './choice-file.ts';
import { PROFILES, type Profile, type ProfileName } from './profiles.ts';
import { type Load, readLoads, writeLoads } from './loads-file.ts';

export interface PreloadOptions {
  readonly profile: ProfileName;
  readonly events: number;
  readonly seed: number;
  /** Fill a new topic although there is one that fits. */
  readonly reload: boolean;
  /** Where loads are remembered. */
  readonly loadsFile: string;
  readonly onProgress: (text: string) => void;
  readonly signal: AbortSignal;
}

export const PARTITIONS = 12;
const BROKER_DEFAULT_REPLICATION = -1;
const HOUR_MS = 3_600_000;
const RETENTION_MS = 7 * 24 * HOUR_MS;
/** Older impressions would fall into other day partitions than live traffic. */
const FRESH_FOR_MS = 12 * HOUR_MS;
const LOADS_MAX = 8;
const STARTING_MS = 10_000;
const STARTING_POLL_MS = 200;
const SETTINGS = {
  'message.timestamp.type': 'LogAppendTime',
  'cleanup.policy': 'delete',
  'retention.ms': String(RETENTION_MS),
} as const;

/** The topics that go with an events topic. */
export function topicsOf(events: string): { events: string; dlq: string; dead: string } {
  return { events: `${events}.events`, dlq: `${events}.dlq`, dead: `${events}.dead` };
}

/** Where the records that the floor loads are marked (see choose-records.ts). */
export function chosenFile(loadsFile: string, load: Load): string {
  return join(dirname(loadsFile), `${load.topic}.chosen`);
}

/**
 * A topic with the simulator's records of this profile, size and seed: the one filled before, if it is untouched
 * and recent, else a new one. Topics of loads that are forgotten are deleted.
 */
export async function preload(kafka: KafkaSettings, options: PreloadOptions): Promise<Load> {
  const admin = new KafkaAdmin(kafka);
  try {
    const { profile, events, seed, reload, loadsFile } = options;
    const before = readLoads(loadsFile);
    const candidates = before.filter((load) => load.brokers === kafka.brokers);
    const same = candidates.find(
      (load) => load.profile === profile && load.events === events && load.seed === seed,
    );
    if (!reload && same !== undefined && (await isIntact(admin, same))) return same;
    const kept = candidates.filter((load) => load !== same).slice(1 - LOADS_MAX);
    for (const load of candidates) if (!kept.includes(load)) await forget(admin, loadsFile, load);
    writeLoads(
      loadsFile,
      before.filter((load) => !candidates.includes(load) || kept.includes(load)),
    );
    const load = await fill(admin, kafka, options);
    writeLoads(loadsFile, [...readLoads(loadsFile), load]);
    return load;
  } finally {
    admin.close();
  }
}

/** Deletes every topic this file remembers on these brokers. */
export async function removeLoads(kafka: KafkaSettings, loadsFile: string): Promise<void> {
  const admin = new KafkaAdmin(kafka);
  try {
    const loads = readLoads(loadsFile);
    const ours = loads.filter((load) => load.brokers === kafka.brokers);
    for (const load of ours) await forget(admin, loadsFile, load);
    writeLoads(
      loadsFile,
      loads.filter((load) => !ours.includes(load)),
    );
  } finally {
    admin.close();
  }
}

async function isIntact(admin: KafkaAdmin, load: Load): Promise<boolean> {
  if (Date.now() - load.filledAtMs > FRESH_FOR_MS) return false;
  const { events, dlq } = topicsOf(load.topic);
  const [described, letters] = [await admin.describeTopic(events), await admin.describeTopic(dlq)];
  if (described?.topicId !== load.topicId || letters === null) return false;
  const marks = await Promise.all(
    load.ends.map((_, partition) => watermarksOf(admin, events, partition)),
  );
  return marks.every((mark, partition) => mark.logStart === 0 && mark.end === load.ends[partition]);
}

/** A broker that has just started refuses for a moment what it is asked of a log. */
async function watermarksOf(
  admin: KafkaAdmin,
  topic: string,
  partition: number,
): Promise<Watermarks> {
  const deadline = performance.now() + STARTING_MS;
  for (;;) {
    try {
      return await admin.watermarks(topic, partition);
    } catch (error) {
      const mayPass = error instanceof KafkaRequestError && error.transient;
      if (!mayPass || performance.now() > deadline) throw error;
      await sleep(STARTING_POLL_MS);
    }
  }
}

async function forget(admin: KafkaAdmin, loadsFile: string, load: Load): Promise<void> {
  for (const topic of Object.values(topicsOf(load.topic))) await admin.deleteTopic(topic);
  removeChoice(chosenFile(loadsFile, load));
}

async function fill(
  admin: KafkaAdmin,
  kafka: KafkaSettings,
  options: PreloadOptions,
): Promise<Load> {
  const { profile, events, seed, onProgress, signal } = options;
  const { mix, compression }: Profile = PROFILES[profile];
  const topic = `adtally-bench-${Date.now().toString(36)}-${process.pid}`;
  const names = topicsOf(topic);
  const specs = Object.values(names).map((name) => ({
    name,
    partitions: PARTITIONS,
    replication: BROKER_DEFAULT_REPLICATION,
    config: compression === undefined ? SETTINGS : { ...SETTINGS, 'compression.type': compression },
  }));
  const [made] = await admin.ensureTopics(specs);
  const truth = await simulate({
    brokers: kafka.brokers,
    security: kafka.security,
    tokens: kafka.tokens,
    topic: names.events,
    events,
    seed,
    mix,
    signal,
    onProgress: ({ attempted }) =>
      onProgress(`filling the topic: ${attempted} of ${events} records`),
  });
  signal.throwIfAborted();
  if (truth.acked !== events) {
    throw new BenchError(`the broker took ${truth.acked} of ${events} records`);
  }
  const marks = await Promise.all(
    Array.from({ length: PARTITIONS }, (_, partition) => admin.watermarks(names.events, partition)),
  );
  return {
    brokers: kafka.brokers,
    topic,
    topicId: made?.topicId ?? '',
    profile,
    events,
    seed,
    filledAtMs: Date.now(),
    ends: marks.map(({ end }) => end),
    truth,
  };
}
