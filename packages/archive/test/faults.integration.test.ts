import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { archivedDays, openArchiveStore, verifyDay } from '../src/index.ts';
import { MANIFEST_NAME } from '../src/manifest.ts';
import { database, FOLDER, kept, ownFolder, PART_BYTES } from './archive-stage.ts';
import { DAY_NAME } from './counted-day.ts';

interface Ended {
  readonly signal: string | null;
  readonly output: string;
}

/** Archives in a process of its own, behind this command if one is given. */
async function keepInChild(url: string, diesAt: number, before: string[] = []): Promise<Ended> {
  const child = join(import.meta.dirname, 'keep-child.ts');
  const node = [process.execPath, '--conditions=@adtally/source', child];
  const args = [...before, ...node, database.url, url, String(diesAt), String(PART_BYTES)];
  return await new Promise((resolve) => {
    execFile(args[0] ?? '', args.slice(1), (error, stdout, stderr) =>
      resolve({ signal: error?.signal ?? null, output: `${stdout}${stderr}` }),
    );
  });
}

test(
  'killed before any step it leaves no archive or the whole one, and the next try ends it',
  { timeout: 180_000 },
  async () => {
    const unharmed = await keepInChild(ownFolder().url, 0);
    const { calls } = JSON.parse(unharmed.output) as { calls: number };
    expect(calls).toBeGreaterThan(8);
    // Amid the files, before reading back, before the manifest, before that is read back.
    const steps = [4, Math.ceil(calls / 2), calls - 1, calls];
    await Promise.all(steps.map((step) => dieAndGoOn(step, step === calls)));
  },
);

async function dieAndGoOn(step: number, isDone: boolean): Promise<void> {
  const { folder, url } = ownFolder();
  const store = await openArchiveStore(url);
  expect((await keepInChild(url, step)).signal).toBe('SIGKILL');
  expect(existsSync(join(folder, FOLDER, MANIFEST_NAME))).toBe(isDone);
  const found = verifyDay(store, DAY_NAME);
  if (isDone) expect(await found).toMatchObject({ events: '3000' });
  else await expect(found).rejects.toThrow(/no manifest/);
  // A try before it that had more parts: they are none of the archive's.
  const stale = join(folder, FOLDER, 'part-00099.parquet');
  if (!isDone) {
    mkdirSync(join(folder, FOLDER), { recursive: true });
    writeFileSync(stale, 'left behind');
  }
  await kept(url);
  await verifyDay(store, DAY_NAME);
  expect(existsSync(stale)).toBe(false);
  expect(await archivedDays(store)).toEqual({ whole: [DAY_NAME], unfinished: [] });
}

test('a process that lost its lead while it stood still undoes nothing of its successor', async () => {
  let changes = 0;
  await kept(ownFolder().url, database.url, async () => void (changes += 1));
  expect(changes).toBeGreaterThan(3);
  // Before it clears what an unfinished try left, before its first file, before its manifest.
  for (const stopsAt of [1, 2, changes]) {
    const { url } = ownFolder();
    let asked = 0;
    const lost = new Error('the session has ended');
    const overtaken = kept(url, database.url, async () => {
      asked += 1;
      if (asked < stopsAt) return;
      if (asked === stopsAt) await kept(url);
      throw lost;
    });
    await expect(overtaken).rejects.toThrow(lost);
    expect(asked).toBe(stopsAt);
    const store = await openArchiveStore(url);
    expect(await verifyDay(store, DAY_NAME)).toMatchObject({ events: '3000' });
    expect(await archivedDays(store)).toEqual({ whole: [DAY_NAME], unfinished: [] });
  }
});

test('a process that stood still between the answer that it leads and a change undoes nothing of its successor', async () => {
  let changes = Infinity;
  for (let stopsAt = 1; stopsAt <= changes; stopsAt += 1) {
    const { folder, url } = ownFolder();
    // A try before it that had more parts: so there is something to clear.
    mkdirSync(join(folder, FOLDER), { recursive: true });
    writeFileSync(join(folder, FOLDER, 'part-00099.parquet'), 'left behind');
    let asked = 0;
    const lost = new Error('the session has ended');
    const overtaken = kept(url, database.url, async () => {
      asked += 1;
      if (asked > stopsAt) throw lost;
      // The answer is yes, and is old when the change is made.
      if (asked === stopsAt) await kept(url);
    });
    const isThrough = await overtaken.then(
      () => true,
      (error: unknown) => {
        expect(error).toBe(lost);
        return false;
      },
    );
    if (isThrough) changes = asked;
    const store = await openArchiveStore(url);
    expect(await verifyDay(store, DAY_NAME)).toMatchObject({ events: '3000' });
    expect(await archivedDays(store)).toEqual({ whole: [DAY_NAME], unfinished: [] });
  }
  expect(changes).toBeGreaterThan(3);
});

test(
  'a full disk is named, and leaves nothing that looks whole',
  { timeout: 180_000 },
  async () => {
    const { folder, url } = ownFolder();
    // A small disk that only this process sees.
    const script = `mount -t tmpfs -o size=96k none ${folder} && "$@"; ls -R ${folder}`;
    const { output } = await keepInChild(url, 0, ['unshare', '-Urm', 'sh', '-c', script, 'sh']);
    expect(output).toMatch(/"error":"ArchiveUnavailable".*no space left on device/);
    expect(output).not.toContain(MANIFEST_NAME);
    expect(readdirSync(folder)).toEqual([]);
    await kept(url);
  },
);
