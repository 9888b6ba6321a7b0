import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

const LISTENING = '0A';
const LOCAL_ADDRESS = 1;
const STATE = 3;
const INODE = 9;

/** Inodes of the sockets that listen on a port, from the text of /proc/net/tcp or tcp6. */
export function listeningInodes(table: string, port: number): string[] {
  const wanted = port.toString(16).toUpperCase().padStart(4, '0');
  return table
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((cells) => cells[STATE] === LISTENING && cells[LOCAL_ADDRESS]?.endsWith(`:${wanted}`))
    .flatMap((cells) => cells[INODE] ?? []);
}

/** The process of this machine that listens on a port; null where none is found or seen. */
export function listenerPid(port: number): number | null {
  const inodes = ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((path) =>
    listeningInodes(
      attempt(() => readFileSync(path, 'utf8'), ''),
      port,
    ),
  );
  if (inodes.length === 0) return null;
  const sockets = new Set(inodes.map((inode) => `socket:[${inode}]`));
  for (const name of attempt(() => readdirSync('/proc'), [])) {
    if (!/^\d+$/.test(name)) continue;
    // Other users' descriptors cannot be read without the right to.
    const descriptors = attempt(() => readdirSync(`/proc/${name}/fd`), []);
    const holds = descriptors.some((descriptor) =>
      sockets.has(attempt(() => readlinkSync(`/proc/${name}/fd/${descriptor}`), '')),
    );
    if (holds) return Number(name);
  }
  return null;
}

function attempt<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch {
    return otherwise;
  }
}
