import type { RedisOptions } from 'ioredis';

/** The client's settings; answers keep their plain shape. */
export type ClientOptions = Omit<RedisOptions, 'replyMapping'>;

/** Schemes REDIS_URL may have; `rediss` speaks TLS. */
export const REDIS_URL_SCHEMES = [
  'redis',
  'rediss',
  'redis+sentinel',
  'rediss+sentinel',
  'redis+cluster',
  'rediss+cluster',
] as const;

interface HostAndPort {
  readonly host: string;
  readonly port: number;
}

export type RedisAddress =
  | { readonly kind: 'single'; readonly options: ClientOptions }
  | { readonly kind: 'sentinel'; readonly options: ClientOptions }
  | {
      readonly kind: 'cluster';
      readonly nodes: readonly HostAndPort[];
      readonly options: ClientOptions;
    };

const PATTERN =
  /^redis(?<tls>s?)(?:\+(?<kind>sentinel|cluster))?:\/\/(?:(?<user>[^:@/]*)(?::(?<password>[^@/]*))?@)?(?<hosts>[^/?]+)(?<path>\/[^?]*)?$/;
const PORTS = { single: 6379, sentinel: 26_379, cluster: 6379 } as const;

/**
 * Reads `redis://[user:password@]host[:port][/db]`, `redis+sentinel://host,host/master[/db]` or
 * `redis+cluster://host,host`. Credentials are percent-encoded and meant for the data servers, not
 * for sentinels. Throws with what is wrong, never quoting the password.
 */
export function parseRedisUrl(url: string): RedisAddress {
  const groups = PATTERN.exec(url)?.groups;
  if (groups === undefined) throw new Error('not a Redis URL');
  const kind = (groups['kind'] ?? 'single') as RedisAddress['kind'];
  const nodes = (groups['hosts'] ?? '').split(',').map((host) => parseHost(host, PORTS[kind]));
  const path = (groups['path'] ?? '')
    .split('/')
    .slice(1)
    .filter((part) => part !== '');
  const credentials: ClientOptions = {
    ...(groups['user'] ? { username: decodeURIComponent(groups['user']) } : {}),
    ...(groups['password'] ? { password: decodeURIComponent(groups['password']) } : {}),
    ...(groups['tls'] === 's' ? { tls: {} } : {}),
  };
  if (kind === 'cluster') {
    if (path.length > 0) throw new Error('a Redis cluster has no database numbers');
    return { kind, nodes, options: credentials };
  }
  if (kind === 'sentinel') {
    const [name, db] = path;
    if (name === undefined) throw new Error('a Redis sentinel URL ends with /mastername');
    const options: ClientOptions = { ...credentials, sentinels: [...nodes], name, db: parseDb(db) };
    if (groups['tls'] === 's') options.enableTLSForSentinelMode = true;
    return { kind, options };
  }
  const [node] = nodes;
  if (node === undefined || nodes.length > 1) throw new Error('one host, or redis+cluster://');
  return { kind, options: { ...credentials, ...node, db: parseDb(path[0]) } };
}

function parseHost(text: string, defaultPort: number): HostAndPort {
  const match = /^(\[[0-9a-fA-F:.]+\]|[^:[\]]+)(?::(\d{1,5}))?$/.exec(text);
  const port = Number(match?.[2] ?? defaultPort);
  if (match === null || port < 1 || port > 65_535) throw new Error(`not a host and port: ${text}`);
  return { host: (match[1] as string).replace(/^\[|\]$/g, ''), port };
}

function parseDb(text: string | undefined): number {
  if (text === undefined) return 0;
  if (!/^\d{1,5}$/.test(text)) throw new Error(`not a Redis database number: ${text}`);
  return Number(text);
}
