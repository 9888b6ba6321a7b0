import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { withDatabaseName } from '@adtally/db';
import { KafkaAdmin } from '@adtally/kafka';
import { recount } from '@adtally/recount';
import { emptyDatabase, kafkaBrokers, redisUrl } from '@adtally/testkit';
import { expect, test } from 'vitest';
import { removeDemo } from '../src/demo/workspace.ts';
import { databaseAddress, readDemoRecords, writeDemoRecords } from '../src/demo/workspace-state.ts';

const MAIN = resolve(import.meta.dirname, '../src/main.ts');
const TIMEOUT_MS = 180_000;

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface Stack {
  readonly env: Readonly<Record<string, string>>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A stack whose own database is empty; what demos made beside it is removed afterwards. */
async function stack(): Promise<Stack> {
  const database = await emptyDatabase();
  const brokers = await kafkaBrokers();
  return {
    env: { KAFKA_BROKERS: brokers, DATABASE_URL: database.url, REDIS_URL: await redisUrl() },
    async [Symbol.asyncDispose]() {
      const own = readDemoRecords().filter(
        (one) => one.stackDatabase === databaseAddress(database.url),
      );
      const admin = new KafkaAdmin({ brokers, clientId: 'demo-test', security: {} });
      for (const record of own) await removeDemo(record, database.url, admin);
      admin.close();
      const names = own.map((record) => record.database);
      writeDemoRecords(readDemoRecords().filter((record) => !names.includes(record.database)));
      await database.drop();
    },
  };
}

function dev(
  { env }: Stack,
  args: readonly string[],
  onStderr: (text: string, interrupt: () => void) => void = () => {},
): Promise<Ended> {
  const child = spawn(process.execPath, ['--conditions=@adtally/source', MAIN, ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    onStderr(stderr, () => child.kill('SIGINT'));
  });
  return new Promise((done, reject) => {
    child.once('error', reject);
    child.once('close', (code) => done({ code, stdout, stderr }));
  });
}

/** Processes that count for a demo: their environment names its database. */
function consumersOf(database: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`/${database}\0`);
      } catch {
        return false;
      }
    });
}

test(
  'I8: with a consumer killed half way a demo is exact in every line, and the audit finds its database',
  async () => {
    await using servers = await stack();
    const demo = await dev(servers, ['demo', '--events', '20000', '--seed', '3', '--json']);
    const result = JSON.parse(demo.stdout.trimEnd().split('\n').at(-1) ?? '');
    expect(result, `the demo said: ${demo.stderr}`).toMatchObject({
      exact: true,
      problems: [],
      audit: { balanced: true },
      expected: { records: 20_000 },
    });
    expect(Object.values(result.consumer_exit_codes)).toEqual([0, 0]);
    expect(result.actual).toEqual(result.expected);
    expect(result.kill.killed_at_events).toBeGreaterThanOrEqual(10_000);
    expect(result.kill.killed_at_events).toBeLessThan(20_000);
    expect(result.kill.partitions.length).toBeGreaterThan(0);
    expect(demo.code).toBe(0);
    expect(consumersOf(result.database)).toEqual([]);

    const audit = await dev(servers, ['audit', '--json']);
    expect(JSON.parse(audit.stdout)).toMatchObject({
      balanced: true,
      // 200 of a later version and 6 hopeless ones come with the failure path.
      totals: { consumed: 20_206 },
    });
    expect(audit.stderr).toContain(result.database);

    // The statement it ended with, the figures and events of its campaign, and the whole database, by a program that
    // shares nothing with ours.
    const url = withDatabaseName(servers.env['DATABASE_URL'] ?? '', result.database);
    const onDemo = { ...servers, env: { ...servers.env, DATABASE_URL: url } };
    const { file: statement } = result.statement;
    const { campaign_id, days } = JSON.parse(readFileSync(statement, 'utf8'));
    const asked = ['--campaign', campaign_id, '--from', days[0].from, '--to', days.at(-1).to];
    const printed = async (...words: string[]) => {
      const { code, stdout, stderr } = await dev(onDemo, ['ops', ...words, ...asked, '--json']);
      expect({ code, stderr }).toMatchObject({ code: 0 });
      const file = join(dirname(statement), `${words[0]}.json`);
      writeFileSync(file, stdout);
      return { file, content: JSON.parse(stdout) };
    };
    const report = await printed('report', '--by', 'hour');
    const events = await printed('events', '--limit', '100000');
    expect(Number(report.content.events.click.click)).toBeGreaterThan(0);
    expect(events.content.events.length).toBeGreaterThan(0);
    for (const words of [
      ['statement', statement, '--source', 'topic'],
      ['report', report.file, '--source', 'topic'],
      ['events', events.file, '--source', 'topic'],
      ['rows'],
    ]) {
      const { stdout, stderr } = await recount([...words, '--json'], {
        ...process.env,
        ...onDemo.env,
      });
      expect({ stderr, ...JSON.parse(stdout) }).toMatchObject({ stderr: '', differences: [] });
    }
  },
  TIMEOUT_MS,
);

test(
  'Ctrl-C ends the services with the demo',
  async () => {
    await using servers = await stack();
    let running: string[] = [];
    let database = '';
    const ended = await dev(servers, ['demo', '--events', '5000000'], (stderr, interrupt) => {
      if (database !== '') return;
      database = /database (adtally_demo_\w+)/.exec(stderr)?.[1] ?? '';
      if (database === '') return;
      // They are started right after this line: two consumers at least.
      const poll = setInterval(() => {
        running = consumersOf(database);
        if (running.length < 2) return;
        clearInterval(poll);
        interrupt();
      }, 50);
    });
    expect(ended.code).toBe(130);
    expect(running.length).toBeGreaterThanOrEqual(2);
    expect(consumersOf(database)).toEqual([]);
  },
  TIMEOUT_MS,
);
