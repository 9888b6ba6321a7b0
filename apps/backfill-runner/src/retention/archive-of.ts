import { openArchiveStore, ParquetArchive } from '@adtally/archive';
import type { DayArchive } from '@adtally/db';
import type { RunnerConfig } from '../env.ts';

/** Where days go before they are dropped; null = nowhere. Nothing is opened before the first day goes there. */
export function archiveOf({
  archiveUrl,
  databaseUrl,
}: Pick<RunnerConfig, 'archiveUrl' | 'databaseUrl'>): DayArchive | null {
  if (archiveUrl === '') return null;
  let opened: Promise<ParquetArchive> | undefined;
  return {
    keep: async (retired, signal, stillLeads) => {
      opened ??= openArchiveStore(archiveUrl).then(
        (store) => new ParquetArchive({ databaseUrl, store }),
      );
      await (await opened).keep(retired, signal, stillLeads);
    },
  };
}
