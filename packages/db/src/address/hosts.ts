/** Where a server listens. */
export interface Host {
  /** A name, an address, or the folder of a socket. */
  readonly name: string;
  readonly port: number;
  readonly isSocket: boolean;
}

const DEFAULT_PORT = '5432';
const PORT_MAX = 65_535;
const HOST = /^(?:\[(?<ipv6>[0-9a-f:.]+)\]|(?<name>[^:[\]]*))(?::(?<port>.*))?$/i;

/**
 * The hosts of an address, those of its parameters `host` and `port` before those of its authority, as in libpq.
 * One port is for all of them.
 */
export function hostsOf(
  authority: string,
  parameters: ReadonlyMap<string, string>,
): { readonly hosts: readonly Host[]; readonly problems: readonly string[] } {
  const parts = authority.split(',').map((part) => HOST.exec(part)?.groups);
  if (parts.includes(undefined)) return { hosts: [], problems: ['a host of it is none'] };
  const named = parameters.get('host')?.split(',');
  const names =
    named ?? parts.map((part) => decodeURIComponent(part?.['ipv6'] ?? part?.['name'] ?? ''));
  const ports = parameters.get('port')?.split(',') ?? parts.map((part) => part?.['port'] ?? '');
  if (ports.length !== 1 && ports.length !== names.length) {
    return { hosts: [], problems: [`it has ${names.length} hosts and ${ports.length} ports`] };
  }
  if (ports.some((port) => !/^\d{0,5}$/.test(port) || Number(port) > PORT_MAX)) {
    return { hosts: [], problems: ['a port of it is no number of 1..65535'] };
  }
  const hosts = names.map((name, index) => ({
    name: name || 'localhost',
    port: Number((ports.length === 1 ? ports[0] : ports[index]) || DEFAULT_PORT),
    isSocket: name.startsWith('/'),
  }));
  return { hosts, problems: [] };
}
