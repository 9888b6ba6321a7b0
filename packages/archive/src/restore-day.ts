import { createReadStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Secret } from '@adtally/config';
import { CopySession, eventDay, type Operator, requireSigned } from '@adtally/db';
import { readFiles, requireStated } from './archived-day.ts';
import { ARCHIVED_COLUMNS, columnNames } from './columns.ts';
import { databaseFigures } from './database-figures.ts';
import { ArchiveDamaged, ArchiveRefused } from './errors.ts';
import { firstDifference } from './figures.ts';
import { type Manifest, statedFigures } from './manifest.ts';
import { Parquet } from './parquet.ts';
import type { ArchiveStore } from './stores/store.ts';
import { requireManifest } from './verify-day.ts';
import { inWorkFolder } from './work-folder.ts';

/** Of the owner's functions: what they refuse. */
const REFUSED = 'ADT09';

export interface RestoreOptions {
  readonly databaseUrl: string | Secret;
  readonly store: ArchiveStore;
  /** `2026-11-01` */
  readonly day: string;
  /** Who orders it, and why: noted with it. */
  readonly operator: Operator;
}

/**
 * Brings an archived day back beside `events`: into schema `restored`, in one transaction, so whole or not at all.
 *
 * @throws ArchiveDamaged with the first difference, where the archive does not verify
 * @throws ArchiveRefused where the day is restored already, is still in `events`, or was counted by another database
 */
export async function restoreDay({
  databaseUrl,
  store,
  day,
  operator,
}: RestoreOptions): Promise<Manifest> {
  requireSigned('restoring a day', operator);
  const manifest = await requireManifest(store, day);
  requireKnown(manifest);
  await using session = await CopySession.connect(databaseUrl, 'adtally-restore');
  await session.query('BEGIN');
  await requireSources(session, manifest);
  try {
    await session.query('SELECT build_restored_day($1)', [day]);
    await inWorkFolder((folder) => copyIn(session, store, manifest, folder));
    const difference = firstDifference(
      ['the manifest says', statedFigures(manifest)],
      ['the database has', await restoredFigures(session, manifest)],
    );
    if (difference !== undefined)
      throw new ArchiveDamaged(`day ${day} did not come back as it is: ${difference}`);
    await session.query('SELECT attach_restored_day($1, $2, $3)', [
      day,
      manifest.events,
      manifest.digest,
    ]);
    await session.query(
      'INSERT INTO operator_actions (actor, action, reason, detail) VALUES ($1, $2, $3, $4)',
      [
        operator.actor,
        'restore_day',
        operator.reason,
        JSON.stringify({ day, archive: store.address }),
      ],
    );
    await session.query('COMMIT');
  } catch (error) {
    const { code, message } = error as { code?: unknown; message: string };
    if (code === REFUSED) throw new ArchiveRefused(message);
    throw error;
  }
  return manifest;
}

async function copyIn(
  session: CopySession,
  store: ArchiveStore,
  manifest: Manifest,
  folder: string,
): Promise<void> {
  using parquet = await Parquet.open(folder);
  const { day, columns } = manifest;
  const copied = join(folder, 'copied');
  const found = await readFiles(store, day, manifest, parquet, folder, async (file) => {
    await parquet.unpack(file, copied, columns);
    const into = session.copyIn(`COPY ${tableOf(day)} (${columnNames(columns)}) FROM STDIN`);
    await pipeline(createReadStream(copied), into);
    await rm(copied);
  });
  requireStated(manifest, found);
}

async function restoredFigures(session: CopySession, { day, columns }: Manifest) {
  return await databaseFigures(session, `${tableOf(day)} AS day_rows`, columns);
}

/** As the owner's function names it. */
function tableOf(day: string): string {
  return `restored.${eventDay(Date.parse(day)).table}`;
}

function requireKnown({ day, columns }: Manifest): void {
  const unknown = columns.find(
    ({ name, type }) =>
      !ARCHIVED_COLUMNS.some((column) => column.name === name && column.type === type),
  );
  if (unknown !== undefined) {
    throw new ArchiveRefused(
      `day ${day} has a column ${unknown.name} of type ${unknown.type}, which this build does not know`,
    );
  }
}

/** Its offsets mean something only beside the sources that it was counted from. */
async function requireSources(session: CopySession, { day, sources }: Manifest): Promise<void> {
  const known = await session.query<{ id: string; name: string }>(
    `SELECT source_id::text AS id, jsonb_build_array(kind, topic, topic_id, partition::text, run)::text AS name FROM sources`,
  );
  for (const { source, kind, topic, topic_id, partition, run } of sources) {
    const [row] = await session.query<{ name: string }>(
      'SELECT jsonb_build_array($1::text, $2::text, $3::text, $4::text, $5::text)::text AS name',
      [kind, topic, topic_id, partition, run],
    );
    if (known.find(({ id }) => id === source)?.name !== row?.name) {
      throw new ArchiveRefused(
        `day ${day} was counted by another database: source ${source}, ${topic}[${partition}], is not known here`,
      );
    }
  }
}
