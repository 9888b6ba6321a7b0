import { manifestOf, readFiles, requireStated } from './archived-day.ts';
import { ArchiveDamaged } from './errors.ts';
import type { Manifest } from './manifest.ts';
import { Parquet } from './parquet.ts';
import type { ArchiveStore } from './stores/store.ts';
import { inWorkFolder } from './work-folder.ts';

/** @throws ArchiveDamaged where the day has no manifest, or a damaged one */
export async function requireManifest(store: ArchiveStore, day: string): Promise<Manifest> {
  const manifest = await manifestOf(store, day);
  if (manifest !== undefined) return manifest;
  throw new ArchiveDamaged(`day ${day} has no manifest in ${store.address}: it is not archived`);
}

/**
 * Reads all of a day: each file by its SHA-256, and the events in them against the manifest.
 *
 * @throws ArchiveDamaged with the first difference
 */
export async function verifyDay(store: ArchiveStore, day: string): Promise<Manifest> {
  const manifest = await requireManifest(store, day);
  await inWorkFolder(async (folder) => {
    using parquet = await Parquet.open(folder);
    requireStated(manifest, await readFiles(store, day, manifest, parquet, folder));
  });
  return manifest;
}
