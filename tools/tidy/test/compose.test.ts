import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

const ROOT = resolve(import.meta.dirname, '../../..');

interface Service {
  image: string;
  build?: { context: string; dockerfile: string; args: Record<string, string> };
  command?: string[];
  depends_on?: Record<string, { condition: string }>;
  environment?: Record<string, string>;
  healthcheck?: { test?: string[]; disable?: boolean };
  ports?: string[];
  profiles?: string[];
  restart?: string;
  volumes?: string[];
}

/** What the engine would see: anchors resolved, merge keys merged. */
const COMPOSE = parse(read('docker-compose.yml'), { merge: true }) as {
  services: Record<string, Service>;
  configs: Record<string, { content: string }>;
};
const JOBS = ['topics', 'migrate'];
const MONITORING = ['prometheus', 'alertmanager', 'grafana'];
const APPS = ['ingest-consumer', 'dlq-reprocessor', 'dead-queue-alerter', 'backfill-runner'];

function read(path: string): string {
  return readFileSync(resolve(ROOT, path), 'utf8');
}

function service(name: string): Service {
  const found = COMPOSE.services[name];
  if (found === undefined) throw new Error(`no service ${name}`);
  return found;
}

/** `group.consumer.x=1` of the native broker as the image's variable wants it. */
function imageVariable(property: string): string {
  return `KAFKA_${property.replaceAll('.', '_').toUpperCase()}`;
}

describe('docker-compose.yml', () => {
  it('has the three servers, the two jobs, the services, and what watches them in a profile of its own', () => {
    const names = ['kafka', 'postgres', 'redis', ...JOBS, ...APPS, ...MONITORING];
    expect(Object.keys(COMPOSE.services).toSorted()).toEqual(names.toSorted());
  });

  it('checks the health of everything that stays up', () => {
    const lasting = Object.entries(COMPOSE.services).filter(([name]) => !JOBS.includes(name));
    const unchecked = lasting.filter(([, { healthcheck }]) => healthcheck?.test?.[0] !== 'CMD');
    expect(unchecked.map(([name]) => name)).toEqual([]);
  });

  it('publishes ports on the loopback interface only, each documented at the top', () => {
    const head = read('docker-compose.yml').split('\nname:')[0];
    const ports = Object.values(COMPOSE.services).flatMap((one) => one.ports ?? []);
    expect(ports).toHaveLength(3 + APPS.length + MONITORING.length);
    for (const port of ports) {
      expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
      expect(head).toContain(port.split(':').slice(0, 2).join(':'));
    }
  });

  it('watches every service, with the rules and dashboards of infra/', () => {
    const names = Object.entries(COMPOSE.services).filter(([, one]) => one.profiles !== undefined);
    expect(names.map(([name]) => name)).toEqual(MONITORING);
    const { scrape_configs: jobs } = parse(COMPOSE.configs['prometheus']?.content ?? '') as {
      scrape_configs: { static_configs: { targets: string[] }[] }[];
    };
    expect(jobs.flatMap((one) => one.static_configs.flatMap(({ targets }) => targets))).toEqual(
      APPS.map((app) => `${app}:${service(app).environment?.['ADMIN_PORT']}`),
    );
    const mounts = MONITORING.flatMap((name) => service(name).volumes ?? []);
    const missing = mounts
      .map((mount) => mount.split(':')[0] ?? '')
      .filter((path) => !existsSync(resolve(ROOT, path)));
    expect(missing).toEqual([]);
    expect(mounts.every((mount) => mount.endsWith(':ro'))).toBe(true);
  });

  it('runs the broker of the native stack: same version, same settings for topics and groups', () => {
    const jars = read('packages/native-servers/src/kafka-jars.ts');
    const version = /KAFKA_VERSION = '([\d.]+)'/.exec(jars)?.[1];
    expect(service('kafka').image).toBe(`apache/kafka:${version}`);
    const native = read('packages/native-servers/src/kafka-settings.ts');
    const settings = [...native.matchAll(/'((?:group|log\.retention|auto)\.[a-z.]+)': '([^']+)'/g)];
    const names = settings.map(([, name]) => name);
    for (const what of ['heartbeat.interval', 'session.timeout'])
      expect(names).toEqual(
        expect.arrayContaining([`group.consumer.${what}.ms`, `group.consumer.min.${what}.ms`]),
      );
    for (const [, name = '', value = ''] of settings)
      expect(service('kafka').environment).toMatchObject({ [imageVariable(name)]: value });
  });

  it('gives Redis the intset limit of the native stack and no disk', () => {
    const limit = /INTSET_ENTRIES_MAX = (\d+)/.exec(read('tools/local-stack/src/redis.ts'))?.[1];
    const command = service('redis').command?.join(' ');
    expect(command).toContain(`--set-max-intset-entries ${limit}`);
    expect(command).toContain('--appendonly no');
  });

  it('starts the services only when topics and schema are there', () => {
    for (const job of JOBS) {
      for (const app of APPS)
        expect(service(app).depends_on?.[job]?.condition).toBe('service_completed_successfully');
      expect(service(job).restart).toBe('no');
    }
    expect(service('migrate').depends_on?.['postgres']?.condition).toBe('service_healthy');
    expect(service('topics').depends_on?.['kafka']?.condition).toBe('service_healthy');
  });

  it('makes the topics of the registry with append time', () => {
    const script = service('topics').command?.join('\n') ?? '';
    const registry = read('packages/event-schema/src/topics.ts');
    const declared = [
      ...registry.matchAll(/defaultName: '([^']+)',\s+defaultPartitions: (\d+)/g),
    ].map(([, name, partitions]) => `make_topic ${name} ${partitions}`);
    expect(declared).toHaveLength(3);
    expect(script.split('\n').filter((line) => line.startsWith('make_topic '))).toEqual(declared);
    expect(script).toContain('message.timestamp.type=LogAppendTime');
  });

  it.each([
    ['ingest-consumer', ['KAFKA_BROKERS', 'EVENTS_TOPIC', 'DLQ_TOPIC', 'CONSUMER_GROUP']],
    ['dlq-reprocessor', ['KAFKA_BROKERS', 'DLQ_TOPIC', 'DEAD_TOPIC', 'REPROCESSOR_GROUP']],
    ['dead-queue-alerter', ['KAFKA_BROKERS', 'DEAD_TOPIC', 'ALERT_ENV']],
    ['backfill-runner', ['ADMIN_HOST', 'ADMIN_PORT']],
  ])('configures %s as the service itself understands it', async (app, names) => {
    const env = { PATH: process.env['PATH'], ...service(app).environment };
    const args = ['--conditions=@adtally/source', `apps/${app}/src/main.ts`, '--check-config'];
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: ROOT, env });
    for (const name of names)
      expect(stdout).toContain(`${name}=${service(app).environment?.[name]}`);
  });

  it('builds every app image from the one Dockerfile', () => {
    for (const [name, app] of [['migrate', 'ingest-consumer'], ...APPS.map((one) => [one, one])])
      expect(service(name as string).build).toEqual({
        context: '.',
        dockerfile: 'infra/docker/Dockerfile',
        args: { APP: app },
      });
    const stages = read('infra/docker/Dockerfile').match(/^FROM .* AS (\w+)$/gm);
    expect(stages?.map((line) => line.split(' ').at(-1))).toEqual([
      'base',
      'prune',
      'build',
      'runner',
    ]);
  });
});
