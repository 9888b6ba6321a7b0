import { defaultSslMode } from './env.ts';
import { hostsOf, type Host } from './hosts.ts';
import { encryptions, parameterProblems, readParameters } from './parameters.ts';

/** What an address of PostgreSQL says, read as libpq reads it. */
export interface DatabaseAddress {
  /** In the order in which they are tried. */
  readonly hosts: readonly Host[];
  /** Only a server that takes writes will do. */
  readonly isPrimaryWanted: boolean;
  /** One for each host and way to encrypt, in the order in which they are tried; as node-postgres reads it. */
  readonly connectionStrings: readonly string[];
}

/** An address that cannot be used; the message names what and shows nothing of it. */
export class AddressError extends Error {
  override readonly name = 'AddressError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('; '));
    this.problems = problems;
  }
}

const URI =
  /^postgres(?:ql)?:\/\/(?:(?<user>[^/?#]*)@)?(?<hosts>[^/?#@]*)(?:\/(?<database>[^?#]*))?(?:\?(?<query>[^#]*))?$/;
const ESCAPES: Readonly<Record<string, string>> = {
  '#': '%23',
  '/': '%2F',
  '?': '%3F',
  '@': '%40',
};

/**
 * Reads `postgres://user:password@host:port,host2:port2/database?parameters`.
 *
 * @param sslMode where the address has none
 * @throws AddressError
 */
export function parseAddress(text: string, sslMode = defaultSslMode()): DatabaseAddress {
  const unescaped = unescapedOf(text);
  if (unescaped !== undefined) {
    const escape = ESCAPES[unescaped];
    const problem = `a "${unescaped}" of its user or password stands there as it is: write ${escape}`;
    throw new AddressError([`DATABASE_URL: ${problem}`]);
  }
  const { user, hosts: list = '', database = '', query = '' } = URI.exec(text)?.groups ?? {};
  if (URI.exec(text) === null || /%(?![0-9a-f]{2})/i.test(text)) {
    const problem =
      'a "%" begins no escape (a "%" of the password is written %25), or a part is missing';
    throw new AddressError([`DATABASE_URL: ${problem}`]);
  }
  const parameters = readParameters(query, sslMode);
  const { hosts, problems: hostProblems } = hostsOf(list, parameters);
  const problems = [...hostProblems, ...parameterProblems(parameters, hosts.length)];
  if (problems.length > 0) throw new AddressError(problems.map((one) => `DATABASE_URL: ${one}`));

  const target = parameters.get('target_session_attrs');
  const login = user === undefined ? '' : `${user}@`;
  const name = parameters.has('dbname')
    ? encodeURIComponent(parameters.get('dbname') ?? '')
    : database;
  return {
    hosts,
    isPrimaryWanted: target === undefined ? hosts.length > 1 : target !== 'any',
    connectionStrings: hosts.flatMap((host) =>
      encryptions(parameters, host.isSocket).map((encryption) => {
        const given = { ...encryption, host: host.name, port: String(host.port) };
        const search = Object.entries(given).map(
          ([key, value]) => `${key}=${encodeURIComponent(value)}`,
        );
        return `postgres://${login}/${name}?${search.join('&')}`;
      }),
    ),
  };
}

/** The character of user or password that ends them where it stands, if there is one. */
function unescapedOf(text: string): string | undefined {
  const rest = text.slice(text.indexOf('://') + 3);
  if (rest.includes('#')) return '#'; // no part of such an address begins with it
  const [authority = '', path = ''] = (rest.split('?')[0] ?? '').split(/\/(.*)/s);
  if (authority.split('@').length > 2) return '@';
  // `user:pass/word@host`: what looks like host and port is the login's beginning.
  if (path.includes('@')) return '/';
  return /\?[^=@]*@/.test(rest) ? '?' : undefined;
}
