import { reveal, type Secret } from '@adtally/config';
import { parseAddress } from './address.ts';

const ROLES = { sslrootcert: 'ca', sslcert: 'client' } as const;

/**
 * The files (PEM) whose certificates a connection to this address goes by, as the address is now: whom it trusts, and
 * its own. None where `sslmode` makes no use of them.
 *
 * @throws AddressError
 */
export function databaseCertificateFiles(
  address: string | Secret,
): { role: 'ca' | 'client'; path: string }[] {
  const ways = parseAddress(reveal(address)).connectionStrings.flat();
  return Object.entries(ROLES).flatMap(([parameter, role]) => {
    const named = ways.flatMap((way) => new URLSearchParams(way.split('?')[1]).getAll(parameter));
    return [...new Set(named)].map((path) => ({ role, path }));
  });
}
