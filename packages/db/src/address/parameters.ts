/** Given to node-postgres as they are. */
const PASSED = [
  'user',
  'password',
  'options',
  'application_name',
  'fallback_application_name',
  'client_encoding',
  'statement_timeout',
  'lock_timeout',
  'idle_in_transaction_session_timeout',
  'query_timeout',
  'ssl',
  'sslcert',
  'sslkey',
  'sslnegotiation',
] as const;

const READ_HERE = ['host', 'port', 'dbname', 'sslmode', 'sslrootcert', 'target_session_attrs'];

/** Values that ask for nothing that we do not do anyway; null = any. */
const WITHOUT_EFFECT: ReadonlyMap<string, readonly string[] | null> = new Map(
  Object.entries({
    connect_timeout: null,
    keepalives: null,
    keepalives_idle: null,
    keepalives_interval: null,
    keepalives_count: null,
    tcp_user_timeout: null,
    uselibpqcompat: null,
    sslcompression: ['0'],
    sslsni: ['1'],
    gssencmode: ['disable', 'prefer'],
    channel_binding: ['disable', 'prefer'],
    load_balance_hosts: ['disable'],
  }),
);

/** libpq's, and node-postgres' own word for `require` without a root certificate. */
const SSL_MODES = [
  'disable',
  'allow',
  'prefer',
  'require',
  'verify-ca',
  'verify-full',
  'no-verify',
];
const TARGETS = ['any', 'read-write', 'primary'];
/** The certificates this machine trusts. */
const SYSTEM = 'system';

/** The parameters of an address, decoded. */
export function readParameters(query: string, sslMode?: string): Map<string, string> {
  const pairs = query.split('&').filter((pair) => pair !== '');
  const parameters = new Map(
    pairs.map((pair) => {
      const [name = '', ...value] = pair.split('=');
      const text = value.join('=');
      // A space for whoever writes addresses by the rules of forms; libpq takes it as it is, where nothing means it.
      const spelt = name === 'options' ? text.replaceAll('+', ' ') : text;
      return [decodeURIComponent(name), decodeURIComponent(spelt)];
    }),
  );
  if (sslMode !== undefined && !parameters.has('sslmode') && !parameters.has('ssl')) {
    parameters.set('sslmode', sslMode);
  }
  if (parameters.get('sslrootcert') === SYSTEM && !parameters.has('sslmode')) {
    parameters.set('sslmode', 'verify-full');
  }
  return parameters;
}

/** What of the parameters cannot be done, a sentence each. */
export function parameterProblems(
  parameters: ReadonlyMap<string, string>,
  hosts: number,
): string[] {
  const problems: string[] = [];
  for (const [name, value] of parameters) {
    const allowed = WITHOUT_EFFECT.get(name);
    const isKnown = [...PASSED, ...READ_HERE].includes(name) || allowed !== undefined;
    // A name that is long or holds anything but letters may be a piece of a password that was not escaped.
    const shown = /^[a-z_]{3,32}$/.test(name) ? `parameter ${name}` : 'one of its parameters';
    if (!isKnown) problems.push(`${shown} is not supported`);
    else if (allowed && !allowed.includes(value)) {
      problems.push(`${shown} is only supported as ${allowed.join(' or ')}`);
    }
  }
  const target = parameters.get('target_session_attrs');
  if (target !== undefined && !TARGETS.includes(target)) {
    problems.push('target_session_attrs must be read-write: everything here writes');
  }
  if (target === 'any' && hosts > 1) {
    problems.push(
      'target_session_attrs=any may choose a host that takes no writes: give read-write',
    );
  }
  return problems;
}

/** What of the encryption asked for cannot be done, if anything. It begins with the name of what asks for it. */
export function sslModeProblem(
  parameters: ReadonlyMap<string, string>,
  name: string,
): string | undefined {
  const mode = parameters.get('sslmode');
  const root = parameters.get('sslrootcert');
  if (mode !== undefined && !SSL_MODES.includes(mode)) {
    return `${name} is none of ${SSL_MODES.slice(0, -1).join(', ')}`;
  }
  if (mode === 'verify-ca' && root === undefined) {
    return `${name}=verify-ca needs sslrootcert, or give verify-full`;
  }
  return root === SYSTEM && mode !== 'verify-full'
    ? `${name}=${mode} with sslrootcert=system: it needs verify-full`
    : undefined;
}

/**
 * The parameters as node-postgres is given them, one set for each way to encrypt that `sslmode` allows, in the
 * order in which libpq tries them. A socket is not encrypted.
 */
export function encryptions(
  parameters: ReadonlyMap<string, string>,
  isSocket: boolean,
): Record<string, string>[] {
  const passed: Record<string, string> = {};
  for (const name of PASSED) {
    const value = parameters.get(name);
    if (value !== undefined) passed[name] = value;
  }
  const mode = isSocket ? 'disable' : parameters.get('sslmode');
  const root = parameters.get('sslrootcert');
  const given = root !== undefined && root !== SYSTEM ? { sslrootcert: root } : {};
  const plain = { ...passed, sslmode: 'disable' };
  // `require` verifies where it is given a root certificate, these two never do.
  const unverified = { ...passed, sslmode: 'require', uselibpqcompat: 'true' };
  switch (mode) {
    case undefined:
      return [{ ...passed, ...given }];
    case 'disable':
      return [withoutFiles(plain)];
    case 'allow':
      return [withoutFiles(plain), unverified];
    case 'prefer':
      return [unverified, withoutFiles(plain)];
    case 'no-verify':
      return [unverified];
    default:
      return [{ ...passed, ...given, sslmode: mode, uselibpqcompat: 'true' }];
  }
}

function withoutFiles({
  sslcert: _cert,
  sslkey: _key,
  ssl: _ssl,
  ...rest
}: Record<string, string>) {
  return rest;
}
