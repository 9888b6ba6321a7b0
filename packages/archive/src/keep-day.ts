import { join } from 'node:path';
import { stat } from 'node:fs/promises';
import type { Secret } from '@adtally/config';
import {
  CopySession,
  type DayArchive,
  type EventDay,
  type RetiredCount,
  type RetiredDay,
  type StillLeads,
} from '@adtally/db';
import { dayName, dayPrefix, manifestOf, readFiles } from './archived-day.ts';
import { ARCHIVED_COLUMNS } from './columns.ts';
import { copyLines, databaseFigures, rowsOf } from './database-figures.ts';
import { ArchiveDamaged, ArchiveRefused } from './errors.ts';
import { type DayFigures, figuresOf, firstDifference } from './figures.ts';
import { inParts } from './line-parts.ts';
import {
  type ArchivedFile,
  type Manifest,
  MANIFEST_NAME,
  MANIFEST_SCHEMA,
  sealed,
  statedFigures,
} from './manifest.ts';
import { Parquet, sha256Of } from './parquet.ts';
import { LedStore } from './stores/led-store.ts';
import type { ArchiveStore } from './stores/store.ts';
import { inWorkFolder } from './work-folder.ts';

/** Of lines, about 1 million events: a file of some 50 MB, which every engine reads as one piece. */
const PART_BYTES = 192 * 1024 * 1024;

export interface ParquetArchiveOptions {
  readonly databaseUrl: string | Secret;
  readonly store: ArchiveStore;
  /** Bytes of lines that become one file. */
  readonly partBytes?: number;
}

/** What a database says of a day, in one snapshot. */
interface Stated extends DayFigures {
  readonly named: Manifest['sources'];
  readonly schemaVersion: number;
}

/** Archives days as Parquet files, so that they may be dropped. */
export class ParquetArchive implements DayArchive {
  readonly #options: ParquetArchiveOptions;

  constructor(options: ParquetArchiveOptions) {
    this.#options = options;
  }

  /**
   * Resolves once the day's events are in the archive, read back from it, and come to what the database has. Its rows
   * must not change any more. The manifest is written last: files without one are begun anew by the next try.
   *
   * @throws ArchiveUnavailable where archive or disk are away or full
   * @throws ArchiveDamaged where what was read back is not what was written
   * @param signal ends it between two files
   * @param stillLeads a process that was stopped for long must not undo what its successor archived (docs/adr/0038)
   * @throws ArchiveRefused where the archive has other events of the day, or the database others than were counted
   */
  async keep(retired: RetiredDay, signal: AbortSignal, stillLeads: StillLeads): Promise<void> {
    const { databaseUrl, store, partBytes = PART_BYTES } = this.#options;
    const led = new LedStore(store, stillLeads);
    await inWorkFolder(async (folder) => {
      using parquet = await Parquet.open(folder);
      const work = { databaseUrl, store: led, partBytes, parquet, folder, signal };
      await new DayKeeping(work).keep(retired);
    });
  }
}

interface Work extends Required<ParquetArchiveOptions> {
  readonly parquet: Parquet;
  readonly folder: string;
  readonly signal: AbortSignal;
}

/** A day on its way into the archive. */
class DayKeeping {
  readonly #work: Work;

  constructor(work: Work) {
    this.#work = work;
  }

  async keep({ day, counts }: RetiredDay): Promise<void> {
    const { store, parquet, folder } = this.#work;
    const name = dayName(day);
    const written = await this.#inSnapshot(async (session) => {
      const stated = await statedOf(session, day);
      requireCounted(name, stated, counts);
      const before = await manifestOf(store, name);
      if (before !== undefined) {
        const difference = firstDifference(
          ['the archive has', statedFigures(before)],
          ['the database has', stated],
        );
        if (difference !== undefined) {
          throw new ArchiveRefused(
            `day ${name} is in ${store.address} already, with other events: ${difference}`,
          );
        }
        if (await isAsStated(store, name, before, parquet, folder)) return null;
      }
      const files = await this.#writeFiles(session, day);
      return { stated, files };
    });
    if (written === null) return;
    const { stated, files } = written;
    await this.#clear(name, files);
    const found = await readFiles(
      store,
      name,
      { files, columns: [...ARCHIVED_COLUMNS] },
      parquet,
      folder,
    );
    const difference = firstDifference(['the database has', stated], ['the archive has', found]);
    if (difference !== undefined) {
      throw new ArchiveDamaged(`day ${name} was not written as it is: ${difference}`);
    }
    await this.#writeManifest(name, stated, files);
  }

  /** The server's locks are held, and its vacuum waits, only while the rows are read. */
  async #inSnapshot<T>(work: (session: CopySession) => Promise<T>): Promise<T> {
    const session = await CopySession.connect(this.#work.databaseUrl, 'adtally-archive');
    try {
      await session.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
      // Before the snapshot: rows that move into their day's partition would look like rows that are not there (ADR 36).
      await session.query('LOCK TABLE events IN ACCESS SHARE MODE');
      const result = await work(session);
      await session.query('COMMIT');
      return result;
    } finally {
      await session[Symbol.asyncDispose]();
    }
  }

  /**
   * What an unfinished try left behind, but for what was written over. Nothing that the archive will have is ever
   * removed: whoever stands still between the answer that it leads and a removal would take it from its successor.
   */
  async #clear(name: string, files: readonly ArchivedFile[]): Promise<void> {
    const { store } = this.#work;
    const prefix = dayPrefix(name);
    const own = new Set([MANIFEST_NAME, ...files.map((file) => file.name)]);
    for (const left of await store.list(prefix)) {
      if (!own.has(left.slice(prefix.length))) await store.remove(left);
    }
  }

  async #writeFiles(session: CopySession, day: EventDay): Promise<ArchivedFile[]> {
    const { store, partBytes, parquet, folder, signal } = this.#work;
    const files: ArchivedFile[] = [];
    const lines = session.copyOut(copyLines(rowsOf(day), ARCHIVED_COLUMNS));
    await inParts(lines, folder, partBytes, async (part) => {
      signal.throwIfAborted();
      const file = join(folder, 'part.parquet');
      await parquet.write(part, file, ARCHIVED_COLUMNS);
      const { events } = figuresOf(await parquet.groups(file, ARCHIVED_COLUMNS));
      const name = `part-${String(files.length).padStart(5, '0')}.parquet`;
      const { size } = await stat(file);
      files.push({ name, rows: events, bytes: String(size), sha256: await sha256Of(file) });
      await store.putFile(`${dayPrefix(dayName(day))}${name}`, file);
    });
    return files;
  }

  async #writeManifest(name: string, stated: Stated, files: ArchivedFile[]): Promise<void> {
    const { store } = this.#work;
    const text = sealed({
      schema: MANIFEST_SCHEMA,
      day: name,
      written_at: new Date().toISOString(),
      schema_version: stated.schemaVersion,
      columns: [...ARCHIVED_COLUMNS],
      events: stated.events,
      content: stated.content,
      money: [...stated.money],
      sources: stated.named,
      files,
    });
    await store.putText(`${dayPrefix(name)}${MANIFEST_NAME}`, text);
    if (JSON.stringify(await manifestOf(store, name)) !== JSON.stringify(JSON.parse(text)))
      throw new ArchiveDamaged(`the manifest of day ${name} was not written as it is`);
  }
}

/** What is archived is what the ledger will be told of. @throws ArchiveRefused */
function requireCounted(
  name: string,
  { sources }: DayFigures,
  counts: readonly RetiredCount[],
): void {
  const counted = counts.map(({ sourceId, rows, fingerprint, firstOffset, endOffset }) =>
    [sourceId, rows, fingerprint, firstOffset, endOffset].join(' '),
  );
  const found = sources.map(({ source, events, fingerprint, first_offset, end_offset }) =>
    [source, events, fingerprint, first_offset, end_offset].join(' '),
  );
  const place = found.findIndex((text, index) => text !== counted[index]);
  if (place === -1 && found.length === counted.length) return;
  const what = 'source, rows, fingerprint, first and end offset';
  throw new ArchiveRefused(
    `day ${name}: ${what} were counted as ${counted[place] ?? counted.at(-1) ?? 'none'}, the database has ${found[place] ?? 'no more'}`,
  );
}

async function statedOf(session: CopySession, day: EventDay): Promise<Stated> {
  const figures = await databaseFigures(session, rowsOf(day), ARCHIVED_COLUMNS);
  const sources = await session.query<{
    source: string;
    kind: string;
    topic: string;
    topic_id: string;
    partition: string;
    run: string;
  }>(
    `SELECT source_id::text AS source, kind, topic, topic_id, partition::text AS partition, run FROM sources`,
  );
  const [version] = await session.query<{ version: number }>(
    'SELECT max(version) AS version FROM schema_versions',
  );
  return {
    ...figures,
    schemaVersion: version?.version ?? 0,
    named: figures.sources.map(({ source, ...rest }) => {
      const { kind, topic, topic_id, partition, run } =
        sources.find((one) => one.source === source) ?? unknownSource(source);
      return { source, kind, topic, topic_id, partition, run, ...rest };
    }),
  };
}

function unknownSource(source: string): never {
  throw new Error(`an event names source ${source}, which is not there`);
}

/** Whether a finished archive's files are still what it says; those that are not are written again from the database. */
async function isAsStated(
  store: ArchiveStore,
  name: string,
  manifest: Manifest,
  parquet: Parquet,
  folder: string,
): Promise<boolean> {
  try {
    const found = await readFiles(store, name, manifest, parquet, folder);
    return firstDifference(['', statedFigures(manifest)], ['', found]) === undefined;
  } catch (error) {
    if (error instanceof ArchiveDamaged) return false;
    throw error;
  }
}
