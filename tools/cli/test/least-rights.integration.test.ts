import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { openDatabase } from '@adtally/db';
import { migrated } from '@adtally/db/testing';
import {
  type Exit,
  freePort,
  grant,
  hasKafkaServer,
  kafkaCluster,
  type Operation,
  produceRecords,
  revoke,
  type RightOn,
  ServiceProcess,
  testDatabase,
  uniqueName,
} from '@adtally/testkit';
import { sql } from 'kysely';
import { expect, onTestFinished, test } from 'vitest';

// The table of docs/operations.md, granted as it stands: what it leaves out, nobody has.

const ROOT = resolve(import.meta.dirname, '../../..');
const ROW = /^\| ([a-z-]+) \| (topic|group) `([A-Za-z_-]+)` \| ([A-Z_, ]+) \|/;
const SERVICES = ['ingest-consumer', 'dlq-reprocessor', 'dead-queue-alerter'] as const;
const PASSWORD = 'canary-4410';
const TIMEOUT_MS = 120_000;
/** Longer than the leader of the lag takes between two looks. */
const QUIET_MS = 6_000;

interface Right {
  readonly program: string;
  readonly on: RightOn;
  readonly operations: readonly Operation[];
}

/** @param names what stands there for a variable */
function documentedRights(names: Readonly<Record<string, string>>): Right[] {
  const lines = readFileSync(join(ROOT, 'docs/operations.md'), 'utf8').split('\n');
  return lines.flatMap((line) => {
    const [, program = '', kind, name = '', operations = ''] = ROW.exec(line) ?? [];
    if (kind === undefined) return [];
    const on = kind === 'topic' ? { topic: names[name] ?? name } : { group: names[name] ?? name };
    return [{ program, on, operations: operations.split(', ') as Operation[] }];
  });
}

/** What `--check-connections` of an app says. */
async function check(app: string, env: Record<string, string>): Promise<Exit> {
  const main = join(ROOT, 'apps', app, 'src/main.ts');
  return await new ServiceProcess(main, env, { argv: ['--check-connections'] }).ended;
}

test(
  'servers that do not answer are told apart, a line each',
  { timeout: TIMEOUT_MS },
  async () => {
    const nobody = `127.0.0.1:${await freePort()}`;
    const { code, stdout, stderr } = await check('ingest-consumer', {
      KAFKA_BROKERS: nobody,
      DATABASE_URL: `postgres://user:${PASSWORD}@${nobody}/adtally`,
      REDIS_URL: `redis://${nobody}`,
    });
    expect(code).toBe(69);
    const lines = stdout.trimEnd().split('\n');
    expect(lines).toEqual([
      expect.stringMatching(
        /^PostgreSQL \(DATABASE_URL\): FAILED: .*ECONNREFUSED.* \(database_unreachable\)$/,
      ),
      expect.stringMatching(
        /^Kafka \(KAFKA_BROKERS\): FAILED: .*Connection refused.* \(broker_unreachable\)$/,
      ),
      expect.stringMatching(/^Redis \(REDIS_URL\): FAILED: connect ECONNREFUSED/),
    ]);
    expect(stdout + stderr).not.toContain('canary');
  },
);

test.runIf(hasKafkaServer())(
  'the documented rights are enough to make topics, count, dead-letter, retry, bury and watch',
  { timeout: TIMEOUT_MS },
  async () => {
    const name = uniqueName('rights');
    const variables = {
      EVENTS_TOPIC: name,
      DLQ_TOPIC: `${name}.dlq`,
      DEAD_TOPIC: `${name}.dead`,
      CONSUMER_GROUP: `${name}-count`,
      REPROCESSOR_GROUP: `${name}-retry`,
    };
    const programs = [...SERVICES, 'backfill-runner', 'migrate'];
    const users = Object.fromEntries(programs.map((program) => [program, PASSWORD]));
    await using cluster = await kafkaCluster({ users, acls: true });
    const rights = documentedRights(variables);
    expect(new Set(rights.map(({ program }) => program))).toEqual(new Set(programs));
    for (const { program, on, operations } of rights) {
      await grant(cluster, program, on, ...operations);
    }
    const database = await testDatabase(migrated);
    onTestFinished(() => database.drop());
    const envOf = (program: string): Record<string, string> => ({
      ...variables,
      KAFKA_BROKERS: cluster.brokers,
      KAFKA_SECURITY_PROTOCOL: 'sasl_plaintext',
      KAFKA_SASL_MECHANISM: 'PLAIN',
      KAFKA_SASL_USERNAME: program,
      KAFKA_SASL_PASSWORD: PASSWORD,
      DATABASE_URL: database.url,
      ADMIN_PORT: '0',
      MAX_ATTEMPTS: '1',
      RETRY_INTERVAL_MS: '200ms',
      TOPIC_CHECK_MS: '500ms',
    });
    const cli = ['--conditions=@adtally/source', join(ROOT, 'tools/cli/src/main.ts')];
    const { PATH = '', HOME = '' } = process.env;
    await promisify(execFile)(process.execPath, [...cli, 'migrate', '--events-partitions', '1'], {
      env: { PATH, HOME, REDIS_URL: '', ...envOf('migrate') },
    });
    const services = SERVICES.map(
      (app) => new ServiceProcess(join(ROOT, 'apps', app, 'src/main.ts'), envOf(app)),
    );
    onTestFinished(async () => void (await Promise.all(services.map((one) => one.kill()))));
    await Promise.all(services.map((one) => one.untilReady()));
    await produceRecords(
      name,
      [{ partition: 0, key: Buffer.from('k'), value: Buffer.from('no event') }],
      cluster.internalBrokers,
    );
    const db = openDatabase(database.url, { applicationName: 'test' });
    onTestFinished(() => db.destroy());
    const [, , alerter] = services;
    await alerter?.until('the alerter has seen the dead letter', async () => {
      const { rows } = await sql<{ seen: string }>`
        SELECT coalesce(sum(next_offset), 0)::text AS seen FROM dead_topic_positions`.execute(db);
      return rows[0]?.seen === '1';
    });
    await setTimeout(QUIET_MS);
    for (const { entries } of services) {
      const said = entries.filter((entry) => /authoriz/i.test(JSON.stringify(entry)));
      expect(said).toEqual([]);
    }
    const checked = await Promise.all(SERVICES.map((app) => check(app, envOf(app))));
    for (const { code, stdout } of checked) {
      expect([code, stdout]).toEqual([
        0,
        expect.stringMatching(/^PostgreSQL.*: ok: .*\nKafka.*: ok: /),
      ]);
    }
    await revoke(cluster, 'ingest-consumer', { topic: variables.DLQ_TOPIC }, 'WRITE');
    await grant(cluster, 'ingest-consumer', { topic: variables.DLQ_TOPIC }, 'DESCRIBE');
    const refused = await check('ingest-consumer', envOf('ingest-consumer'));
    expect(refused.code).toBe(78);
    expect(refused.stdout).toContain(
      `Kafka (KAFKA_BROKERS): FAILED: the user may not WRITE topic ${variables.DLQ_TOPIC}\n`,
    );
  },
);
