import { createHash } from 'node:crypto';

/** How many keys each client places. */
export const KEYS = 200;

const BORN_MS = Date.UTC(2026, 0, 1);

/** The same impression ids for every client and every run: UUIDv7 of one minute, canonical. */
export function keysToPlace(): string[] {
  return Array.from({ length: KEYS }, (_, n) => {
    const time = (BORN_MS + n * 300).toString(16).padStart(12, '0');
    const random = createHash('sha256').update(`key ${n}`).digest('hex');
    return `${time.slice(0, 8)}-${time.slice(8)}-7${random.slice(0, 3)}-8${random.slice(3, 6)}-${random.slice(6, 18)}`;
  });
}
