import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { createDatabase, dropDatabase } from '@adtally/db';
import { KafkaAdmin, type KafkaSettings } from '@adtally/kafka';
import { readTopics } from '@adtally/kafka/env';
import { localFolder, type StackAddresses, StackError } from '@adtally/local-stack';
import { say } from '@adtally/command-line';
import { prepareDatabase } from '../prepare-database.ts';
import { BROKER_DEFAULT_REPLICATION, prepareTopics, topicSpecs } from '../prepare-topics.ts';
import {
  type DemoRecord,
  readDemoRecords,
  databaseAddress,
  writeDemoRecords,
} from './workspace-state.ts';

export interface TopicNames {
  readonly events: string;
  readonly dlq: string;
  readonly dead: string;
}

/** Database and topics of one demo. They stay until a later demo of this clone takes them away. */
export interface Workspace {
  readonly name: string;
  readonly databaseUrl: string;
  readonly database: string;
  readonly topics: TopicNames;
  readonly logFolder: string;
}

const INSUFFICIENT_PRIVILEGE = '42501';

/**
 * Makes a fresh database and fresh topics under names nobody else uses, and removes those of earlier
 * demos. What a user filled is never touched.
 */
export async function makeWorkspace(
  addresses: StackAddresses,
  kafka: KafkaSettings,
): Promise<Workspace> {
  await removeEarlier(addresses, kafka);
  const name = `${Date.now().toString(36)}-${process.pid}`;
  const events = `adtally-demo-${name}`;
  const topics = { events, dlq: `${events}.dlq`, dead: `${events}.dead` };
  const database = `adtally_demo_${name.replace('-', '_')}`;
  // Remembered before it exists: also what an interrupted demo leaves is taken away some day.
  writeDemoRecords([
    ...readDemoRecords(),
    {
      pid: process.pid,
      kafkaBrokers: addresses.kafkaBrokers,
      stackDatabase: databaseAddress(addresses.databaseUrl),
      database,
      topics: Object.values(topics),
    },
  ]);
  const [databaseUrl] = await Promise.all([
    makeDatabase(addresses.databaseUrl, database),
    prepareTopics(
      kafka,
      // Sizes as the product's own, so that two consumers share them.
      topicSpecs(readTopics(topicVariables(topics)), BROKER_DEFAULT_REPLICATION),
    ),
  ]);
  return { name, databaseUrl, database, topics, logFolder: logFolderOf(database) };
}

/** The environment variables that name the topics. */
export function topicVariables(topics: TopicNames): Record<string, string> {
  return { EVENTS_TOPIC: topics.events, DLQ_TOPIC: topics.dlq, DEAD_TOPIC: topics.dead };
}

function logFolderOf(database: string): string {
  return join(localFolder, 'logs', database);
}

async function makeDatabase(serverUrl: string, database: string): Promise<string> {
  try {
    const url = await createDatabase(serverUrl, database);
    await prepareDatabase(url);
    return url;
  } catch (error) {
    if ((error as { code?: unknown }).code !== INSUFFICIENT_PRIVILEGE) throw error;
    throw new StackError(
      'the demo makes a database of its own, which the user in DATABASE_URL may not: ' +
        'give it CREATEDB, or unset DATABASE_URL to use a local server',
      { cause: error },
    );
  }
}

/** Removes database, topics and logs of one demo. */
export async function removeDemo(
  { database, topics }: DemoRecord,
  serverUrl: string,
  admin: KafkaAdmin,
): Promise<void> {
  await dropDatabase(serverUrl, database);
  await Promise.all(topics.map((topic) => admin.deleteTopic(topic)));
  rmSync(logFolderOf(database), { recursive: true, force: true });
}

/** Best effort: what cannot be removed now is tried again by the next demo. */
async function removeEarlier(addresses: StackAddresses, kafka: KafkaSettings): Promise<void> {
  const isOurs = (record: DemoRecord): boolean =>
    record.kafkaBrokers === addresses.kafkaBrokers &&
    record.stackDatabase === databaseAddress(addresses.databaseUrl) &&
    !isAlive(record.pid);
  const earlier = readDemoRecords().filter(isOurs);
  if (earlier.length === 0) return;
  const removed = new Set<string>();
  const admin = new KafkaAdmin(kafka);
  try {
    for (const record of earlier) {
      await removeDemo(record, addresses.databaseUrl, admin);
      removed.add(record.database);
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    say(`what an earlier demo made could not be removed yet: ${reason}`);
  } finally {
    admin.close();
  }
  writeDemoRecords(readDemoRecords().filter((record) => !removed.has(record.database)));
}

function isAlive(pid: number): boolean {
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
