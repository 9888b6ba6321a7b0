import { rm, stat } from 'node:fs/promises';
import type { EventDay } from '@adtally/db';
import type { ArchivedColumn } from './columns.ts';
import { ArchiveDamaged } from './errors.ts';
import { type DayFigures, type FigureGroup, figuresOf, firstDifference } from './figures.ts';
import {
  type ArchivedFile,
  type Manifest,
  MANIFEST_NAME,
  readManifest,
  statedFigures,
} from './manifest.ts';
import { type Parquet, sha256Of } from './parquet.ts';
import type { ArchiveStore } from './stores/store.ts';

/** `2026-11-01` */
export function dayName({ startMs }: EventDay): string {
  return new Date(startMs).toISOString().slice(0, 10);
}

/** Where a day's objects lie; engines read the day from the name. */
export function dayPrefix(day: string): string {
  return `day=${day}/`;
}

/** @throws ArchiveDamaged where what lies there is not what was written */
export async function manifestOf(store: ArchiveStore, day: string): Promise<Manifest | undefined> {
  const name = `${dayPrefix(day)}${MANIFEST_NAME}`;
  const text = await store.readText(name);
  if (text === undefined) return undefined;
  const manifest = readManifest(text, name);
  if (manifest.day !== day)
    throw new ArchiveDamaged(`${name} is the manifest of another day, ${manifest.day}`);
  return manifest;
}

/** Days that have a manifest, and such as have files without one: their archiving was not finished. */
export async function archivedDays(
  store: ArchiveStore,
): Promise<{ readonly whole: string[]; readonly unfinished: string[] }> {
  const names = await store.list('day=');
  const days = new Map<string, boolean>();
  for (const name of names) {
    const [, day, rest] = /^day=(\d{4}-\d\d-\d\d)\/(.+)$/.exec(name) ?? [];
    if (day !== undefined) days.set(day, days.get(day) === true || rest === MANIFEST_NAME);
  }
  const are = (isWhole: boolean) =>
    [...days].filter(([, is]) => is === isWhole).map(([day]) => day);
  return { whole: are(true), unfinished: are(false) };
}

/**
 * Reads the files that a manifest names, one after the other, and compares each with it: SHA-256, bytes, rows.
 *
 * @param folder where files of a remote store are put meanwhile
 * @param take gets each file that is as the manifest says
 * @returns what the events in them come to
 * @throws ArchiveDamaged with the first difference
 */
export async function readFiles(
  store: ArchiveStore,
  day: string,
  { files, columns }: Pick<Manifest, 'files' | 'columns'>,
  parquet: Parquet,
  folder: string,
  take: (file: string) => Promise<void> = async () => {},
): Promise<DayFigures> {
  const groups: FigureGroup[] = [];
  for (const file of files) {
    const name = `${dayPrefix(day)}${file.name}`;
    const local = await store.localFile(name, folder);
    if (local === undefined) throw new ArchiveDamaged(`${name} is missing in ${store.address}`);
    groups.push(...(await readFile(name, local, file, columns, parquet)));
    await take(local);
    if (local.startsWith(folder)) await rm(local);
  }
  return figuresOf(groups);
}

async function readFile(
  name: string,
  local: string,
  file: ArchivedFile,
  columns: readonly ArchivedColumn[],
  parquet: Parquet,
): Promise<FigureGroup[]> {
  const differs = (what: string, stated: string, found: string) =>
    new ArchiveDamaged(`${name}: the manifest says ${what} ${stated}, it has ${found}`);
  const { size } = await stat(local);
  if (String(size) !== file.bytes) throw differs('bytes', file.bytes, String(size));
  const sha256 = await sha256Of(local);
  if (sha256 !== file.sha256) throw differs('SHA-256', file.sha256, sha256);
  const groups = await parquet.groups(local, columns).catch((error: unknown) => {
    throw new ArchiveDamaged(`${name} cannot be read: ${(error as Error).message}`, {
      cause: error,
    });
  });
  const { events } = figuresOf(groups);
  if (events !== file.rows) throw differs('rows', file.rows, events);
  return groups;
}

/** @throws ArchiveDamaged where the files hold other events than the manifest says */
export function requireStated(manifest: Manifest, found: DayFigures): void {
  const difference = firstDifference(
    ['the manifest says', statedFigures(manifest)],
    ['its files have', found],
  );
  if (difference !== undefined) throw new ArchiveDamaged(`day ${manifest.day}: ${difference}`);
}
