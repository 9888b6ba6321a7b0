import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ArchiveUnavailable } from './errors.ts';

/** A folder for the files of one work, under TMPDIR; gone afterwards. */
export async function inWorkFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'adtally-archive-'));
  try {
    return await work(folder);
  } catch (error) {
    if (!isFull(error)) throw error;
    throw new ArchiveUnavailable(`working in ${folder} (TMPDIR)`, error);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** DuckDB has no code for it. */
function isFull(error: unknown): boolean {
  if (error instanceof ArchiveUnavailable || !(error instanceof Error)) return false;
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOSPC' || /no space left on device|out of memory/i.test(error.message);
}
