import { defaultSslMode } from './env.ts';
import { hostsOf, type Host } from './hosts.ts';
import { encryptions, parameterProblems, readParameters, sslModeProblem } from './parameters.ts';

/** What an address of PostgreSQL says, read as libpq reads it. */
export interface DatabaseAddress {
  /** In the order in which they are tried. */
  readonly hosts: readonly Host[];
  /** Only a server that takes writes will do. */
  readonly isPrimaryWanted: boolean;
  /** Of each host one for each way to encrypt, in the order in which they are tried; as node-postgres reads it. */
  readonly connectionStrings: readonly (readonly string[])[];
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
  /^postgres(?:ql)?:\/\/(?:(?<login>[^/?#]*)@)?(?<hosts>[^/?#@]*)(?:\/(?<database>[^?#]*))?(?:\?(?<query>[^#]*))?$/;
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
  const spelling = spellingProblem(text);
  if (spelling !== undefined) throw new AddressError([`DATABASE_URL: ${spelling}`]);
  const { login, hosts: list = '', database = '', query = '' } = URI.exec(text)?.groups ?? {};
  const parameters = readParameters(query, sslMode);
  const { hosts, problems: hostProblems } = hostsOf(list, parameters);
  const problems = [...hostProblems, ...parameterProblems(parameters, hosts.length)].map(
    (one) => `DATABASE_URL: ${one}`,
  );
  const isModeOurs = /(?:^|&)sslmode=/.test(query);
  const sslProblem = sslModeProblem(parameters, isModeOurs ? 'sslmode' : 'PGSSLMODE');
  if (sslProblem !== undefined) {
    problems.push(isModeOurs ? `DATABASE_URL: ${sslProblem}` : sslProblem);
  }
  if (problems.length > 0) throw new AddressError(problems);

  const target = parameters.get('target_session_attrs');
  const [user, ...password] = (login ?? '').split(':');
  const name = parameters.get('dbname') ?? decodeURIComponent(database);
  const begin = `postgres://${respelt(user)}:${respelt(password.join(':'))}@/${respeltPath(name)}`;
  return {
    hosts,
    isPrimaryWanted: target === undefined ? hosts.length > 1 : target !== 'any',
    connectionStrings: hosts.map((host) =>
      encryptions(parameters, host.isSocket).map((encryption) => {
        const given = { ...encryption, host: host.name, port: String(host.port) };
        const search = Object.entries(given).map(
          ([key, value]) => `${key}=${encodeURIComponent(value)}`,
        );
        return `${begin}?${search.join('&')}`;
      }),
    ),
  };
}

/** Every part is read by what is found here: what passes can be decoded, wherever it stands. */
function spellingProblem(text: string): string | undefined {
  if (/\s/.test(text)) return 'a blank of it stands there as it is: write %20';
  let decoded: string;
  try {
    decoded = decodeURIComponent(text);
  } catch {
    return 'a "%" begins no escape of UTF-8 (a "%" of the password is written %25)';
  }
  if (decoded.includes('\0')) return 'it has a %00, which no part of it can hold';
  return URI.test(text) ? undefined : 'a part of it is missing or none: see the form it has';
}

/** With every character escaped that might mean something else to who reads it next. */
function respelt(part = ''): string {
  return encodeURIComponent(decodeURIComponent(part));
}

/** node-postgres leaves escapes of `:`, `/` and the like there as they are. */
function respeltPath(name: string): string {
  return encodeURI(name).replaceAll(/[?#]/g, encodeURIComponent);
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
