import { createDatabase, dropDatabase } from '@adtally/db';
import { THIS_BUILD } from './build/build.ts';
import { type Servers, checkpoint } from './servers.ts';

let made = 0;

/**
 * Runs a phase on a fresh database with the product's schema and day partitions, and removes it
 * afterwards: also the floor's table is that `events`, so it is equal to the last column and index.
 */
export async function withFreshDatabase<T>(
  servers: Servers,
  phase: string,
  work: (url: string) => Promise<T>,
  prepare: (url: string) => Promise<void> = (url) => THIS_BUILD.prepareDatabase(url, {}),
): Promise<T> {
  const { databaseUrl } = servers.addresses;
  made += 1;
  const name = `adtally_bench_${phase}_${Date.now().toString(36)}_${process.pid}_${made}`;
  const url = await createDatabase(databaseUrl, name);
  try {
    await prepare(url);
    await checkpoint(servers.postgres);
    return await work(url);
  } finally {
    await dropDatabase(databaseUrl, name);
  }
}
