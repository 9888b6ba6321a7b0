import { ParquetArchive, openArchiveStore, type ArchiveStore } from '../src/index.ts';
import { ALONE, retiredDay, UNENDING } from './counted-day.ts';

// Archives the day in a process of its own, which dies before the call to the store that it is told.

const [databaseUrl = '', archiveUrl = '', diesAt = '0', partBytes = '0'] = process.argv.slice(2);
const store = await openArchiveStore(archiveUrl);
let calls = 0;
const dying = new Proxy(store, {
  get(target, name) {
    const value: unknown = Reflect.get(target, name, target);
    if (typeof value !== 'function') return value;
    return (...given: unknown[]) => {
      calls += 1;
      if (calls === Number(diesAt)) process.kill(process.pid, 'SIGKILL');
      return (value as (...args: unknown[]) => unknown).apply(target, given);
    };
  },
}) satisfies ArchiveStore;
try {
  const archive = new ParquetArchive({ databaseUrl, store: dying, partBytes: Number(partBytes) });
  await archive.keep(await retiredDay(databaseUrl), UNENDING, ALONE);
  process.stdout.write(JSON.stringify({ calls }));
} catch (error) {
  const { name, message } = error as Error;
  process.stdout.write(JSON.stringify({ error: name, message }));
}
