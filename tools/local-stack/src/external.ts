import { EXIT, noAnswer } from '@adtally/command-line';
import { exchange } from '@adtally/native-servers';
import { StackError } from './errors.ts';
import type { ExternalAddresses } from './env.ts';

const CONNECT_TIMEOUT_MS = 3_000;
const DEFAULT_PORTS: Readonly<Record<string, number>> = {
  'postgres:': 5432,
  'postgresql:': 5432,
  'redis:': 6379,
  'rediss:': 6379,
};

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

function hostPort(text: string, defaultPort: number): Endpoint | undefined {
  if (!URL.canParse(`tcp://${text}`)) return undefined;
  const { hostname, port } = new URL(`tcp://${text}`);
  return { host: hostname.replace(/^\[|\]$/g, ''), port: port === '' ? defaultPort : Number(port) };
}

/** Hosts and ports in a broker list (`a:9092,b:9092`). */
export function brokerEndpoints(brokers: string): Endpoint[] {
  return brokers
    .split(',')
    .map((part) => hostPort(part.trim(), 9092))
    .filter((endpoint) => endpoint !== undefined);
}

/** Host and port of a database's or Redis' URL; none for a form that is not one plain host. */
export function urlEndpoints(url: string): Endpoint[] {
  if (!URL.canParse(url)) return [];
  const { protocol, hostname, port } = new URL(url);
  if (hostname === '') return [];
  const host = hostname.replace(/^\[|\]$/g, '');
  return [{ host, port: port === '' ? (DEFAULT_PORTS[protocol] ?? 0) : Number(port) }];
}

async function anyAnswers(endpoints: readonly Endpoint[]): Promise<boolean> {
  const none = new Uint8Array(0);
  const answers = await Promise.all(
    endpoints.map(({ host, port }) => exchange(host, port, none, CONNECT_TIMEOUT_MS)),
  );
  return answers.some((answer) => answer !== undefined);
}

function endpointsOf(variable: string, value: string): Endpoint[] {
  return variable === 'KAFKA_BROKERS' ? brokerEndpoints(value) : urlEndpoints(value);
}

/** Whether the server that a variable names lets a connection in. Unknown forms count as reachable. */
export async function externalAnswers(variable: string, value: string): Promise<boolean> {
  const endpoints = endpointsOf(variable, value);
  return endpoints.length === 0 || (await anyAnswers(endpoints));
}

/** @throws StackError naming every given address that does not answer (never its password). */
export async function checkExternal(external: ExternalAddresses): Promise<void> {
  const given = [
    ['Kafka', 'KAFKA_BROKERS', external.kafkaBrokers],
    ['PostgreSQL', 'DATABASE_URL', external.databaseUrl],
    ['Redis', 'REDIS_URL', external.redisUrl],
  ] as const;
  const silent: string[] = [];
  for (const [title, variable, value] of given) {
    if (value === undefined || (await externalAnswers(variable, value))) continue;
    const address = endpointsOf(variable, value).map(({ host, port }) => `${host}:${port}`);
    silent.push(noAnswer({ title, address: address.join(','), variable }).message);
  }
  if (silent.length > 0) {
    throw new StackError(
      `${silent.join(', ')}; correct the variable, or unset it to use a local server`,
      { exitCode: EXIT.unavailable },
    );
  }
}
