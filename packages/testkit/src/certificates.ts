import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * A key and the certificate of 127.0.0.1 it signed itself, both PEM: each call makes another authority.
 *
 * @param days how long it is valid
 */
export function selfSigned(days = 1): { key: string; cert: string } {
  const folder = mkdtempSync(join(tmpdir(), 'adtally-certificate-'));
  try {
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    const make = `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days ${days}`;
    const whose = '-subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1';
    const args = `${make} ${whose}`.split(' ');
    execFileSync('openssl', [...args, '-keyout', key, '-out', cert], { stdio: 'ignore' });
    return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
