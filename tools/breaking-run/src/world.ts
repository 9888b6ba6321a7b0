import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Database, ensureDayPartitions, migrate, openDatabase } from '@adtally/db';
import { deleteTopic, grant, testTopic, uniqueName, type RightOn } from '@adtally/testkit';
import { APP_ROLE } from './database-server.ts';
import type { Needs } from './needs.ts';
import { Load } from './load.ts';
import type { Secret, Servers } from './servers.ts';
import { Fleet, REPOSITORY } from './services.ts';

export interface Names {
  readonly events: string;
  readonly dlq: string;
  readonly dead: string;
  readonly group: string;
  readonly reprocessorGroup: string;
  readonly database: string;
}

/** One kind's own: topics, a database, the services that work with them, and a load. The servers are the run's. */
export interface World {
  readonly servers: Servers;
  readonly names: Names;
  readonly fleet: Fleet;
  readonly load: Load;
  /** As superuser, past all proxies; away while the server is. */
  readonly db: Database;
  readonly partitions: number;
  /** What was right when this world began. */
  readonly firstPasswords: Readonly<Record<Secret, string>>;
  /** Files the services read their secrets from at each connect. */
  setSecret(secret: Secret, password: string): void;
  /** Runs `./dev` with this world's database; resolves with what it printed. */
  dev(...args: string[]): Promise<string>;
  close(): Promise<void>;
}

const PARTITIONS = 6;
const RATE = 30;
const REPLICATION = 3;

/** Rights of the services, by name: so that each can be taken away. */
export function rightsOf({ events, dlq, dead, group, reprocessorGroup }: Names): RightOn[] {
  return [
    { topic: events },
    { topic: dlq },
    { topic: dead },
    { group },
    { group: reprocessorGroup },
    { group: `${dead}-alerter` },
  ];
}

async function prepareTopics({ kafka }: Servers, names: Names, needs: Needs): Promise<void> {
  const { replication = REPLICATION, topicSettings: config = {} } = needs;
  const brokers = kafka.internalBrokers;
  const others = { replication: REPLICATION, brokers };
  await Promise.all([
    testTopic({ name: names.events, partitions: PARTITIONS, replication, config, brokers }),
    testTopic({ ...others, name: names.dlq, partitions: 2 }),
    testTopic({ ...others, name: names.dead, partitions: 1 }),
    ...rightsOf(names).map((right) => grant(kafka, APP_ROLE, right, 'ALL')),
  ]);
}

/** As `./dev migrate` does, without a process for it. */
async function prepareDatabase({ database, passwords }: Servers, names: Names): Promise<void> {
  await database.ask('postgres', `CREATE DATABASE ${names.database} OWNER ${APP_ROLE}`);
  const url = database.urlFor(names.database, passwords.database);
  await migrate(url);
  const db = openDatabase(url, { applicationName: 'breaking-run', maxConnections: 1 });
  try {
    await ensureDayPartitions(db, { now: Date.now() });
  } finally {
    await db.destroy();
  }
}

export async function makeWorld(servers: Servers, needs: Needs, seed: number): Promise<World> {
  const { kafka, database } = servers;
  const events = uniqueName('break').replaceAll('_', '-');
  const names: Names = {
    events,
    dlq: `${events}.dlq`,
    dead: `${events}.dead`,
    group: `${events}-count`,
    reprocessorGroup: `${events}-reprocess`,
    database: events.replaceAll('-', '_'),
  };
  const brokers = kafka.internalBrokers;
  await Promise.all([prepareTopics(servers, names, needs), prepareDatabase(servers, names)]);

  const folder = mkdtempSync(join(tmpdir(), 'adtally-break-'));
  const setSecret: World['setSecret'] = (secret, password) => {
    const text = secret === 'kafka' ? password : database.urlFor(names.database, password);
    writeFileSync(join(folder, secret), text);
  };
  setSecret('kafka', servers.passwords.kafka);
  setSecret('database', servers.passwords.database);
  const topics = { EVENTS_TOPIC: names.events, DLQ_TOPIC: names.dlq, DEAD_TOPIC: names.dead };
  const dev = async (...args: string[]): Promise<string> => {
    const argv = ['--conditions=@adtally/source', join(REPOSITORY, 'tools/cli/src/main.ts')];
    const env = {
      ...topics,
      PATH: process.env['PATH'] ?? '',
      HOME: process.env['HOME'] ?? '',
      KAFKA_BROKERS: brokers,
      DATABASE_URL: database.urlFor(names.database, servers.passwords.database),
      REDIS_URL: servers.redis.url,
    };
    return (await promisify(execFile)(process.execPath, [...argv, ...args], { env })).stdout;
  };
  const { rate = RATE, deliveryTimeoutMs } = needs;
  const load = new Load({ brokers, topic: events, rate, seed, deliveryTimeoutMs });
  const env = {
    ...topics,
    KAFKA_BROKERS: kafka.brokers,
    KAFKA_SECURITY_PROTOCOL: 'sasl_plaintext',
    KAFKA_SASL_MECHANISM: 'SCRAM-SHA-256',
    KAFKA_SASL_USERNAME: APP_ROLE,
    KAFKA_SASL_PASSWORD_FILE: join(folder, 'kafka'),
    DATABASE_URL_FILE: join(folder, 'database'),
    REDIS_URL: servers.redis.url,
    CONSUMER_GROUP: names.group,
    REPROCESSOR_GROUP: names.reprocessorGroup,
    ALERT_WEBHOOK_URL: servers.sink.url,
    ADMIN_PORT: '0',
    ...needs.env,
  };
  const clocks = needs.clocks === true ? join(folder, 'clocks') : undefined;
  const fleet = new Fleet(env, { consumers: needs.consumers, clocks });
  const db = database.admin(names.database);
  const close = async (): Promise<void> => {
    await load.end().catch(() => undefined);
    await fleet.end();
    await db.destroy();
    for (const topic of [names.events, names.dlq, names.dead]) await deleteTopic(topic, brokers);
    await database.ask('postgres', `DROP DATABASE IF EXISTS ${names.database} WITH (FORCE)`);
    rmSync(folder, { recursive: true, force: true });
  };
  const firstPasswords = { ...servers.passwords };
  return {
    servers,
    names,
    fleet,
    load,
    db,
    partitions: PARTITIONS,
    firstPasswords,
    setSecret,
    dev,
    close,
  };
}
