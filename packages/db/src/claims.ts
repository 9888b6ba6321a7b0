import { redact } from '@adtally/config';
import type { WriterSession } from './writer-session.ts';

export interface Claim {
  readonly sourceId: number;
  readonly nextOffset: number;
  readonly epoch: number;
  /** Set where an operator's decision is needed before this source goes on. */
  readonly halted: { readonly code: string; readonly detail: string } | null;
}

/** A source held by this process, as the database knows it. */
export interface HeldSource {
  readonly sourceId: number;
  readonly epoch: number;
}

/** What a claimed source must be the source of; what is not named is not compared. */
export interface SourceIdentity {
  readonly partition: number;
  readonly topic?: string;
  readonly topicId?: string;
}

export interface ClaimOptions {
  /**
   * Longest wait for the cursor row and for the former owner's end, each; without it the session's own lock
   * time-out, and 10 s.
   */
  readonly waitMs?: number;
  /** A database that went back since it named the id may know no such source, or give the id to another. */
  readonly of?: SourceIdentity;
}

/** The database has no such source (any more), or an operator closed it: register its topic again. */
export class SourceGone extends Error {
  override readonly name = 'SourceGone';
}

interface ClaimRow {
  next_offset: string;
  epoch: string;
  halted_code: string | null;
  halted_detail: string | null;
}

/**
 * Makes this session the owner of a source: its epoch rises, so that every batch of a former owner
 * fails its compare-and-swap, and the former owner's backend is ended, so that no lock of a frozen
 * client can hold us up. Returns where to read on. SQLSTATE 55P03 where the former backend stays, or somebody
 * holds the cursor row.
 *
 * @throws SourceGone where the database does not know the source, or it is closed
 */
export async function claimSource(
  session: WriterSession,
  sourceId: number,
  owner: string,
  { waitMs, of }: ClaimOptions = {},
): Promise<Claim> {
  const [row] = await session.query<ClaimRow>(
    `SELECT k.next_offset, k.epoch, k.halted_code, k.halted_detail
     FROM sources s CROSS JOIN LATERAL claim_source(s.source_id, $2::text, $3::int) k
     WHERE s.source_id = $1::int AND s.partition = coalesce($4::int, s.partition)
       AND s.topic = coalesce($5::text, s.topic) AND s.topic_id = coalesce($6::text, s.topic_id)`,
    [
      sourceId,
      owner,
      waitMs ?? null,
      of?.partition ?? null,
      of?.topic ?? null,
      of?.topicId ?? null,
    ],
  );
  if (row === undefined) throw new SourceGone(`source ${sourceId} is not what it was`);
  return claimOf(sourceId, row);
}

function claimOf(sourceId: number, row: ClaimRow): Claim {
  return {
    sourceId,
    nextOffset: Number(row.next_offset),
    epoch: Number(row.epoch),
    halted:
      row.halted_code === null ? null : { code: row.halted_code, detail: row.halted_detail ?? '' },
  };
}

/** A source to be claimed, and what it must be the source of. */
export interface NamedSource {
  readonly sourceId: number;
  readonly partition: number;
  readonly topicId: string;
}

/**
 * As `claimSource`, of several sources by one statement: all are claimed, or none. By source id; one that the database does
 * not know, or that is closed, is left out.
 *
 * @param waitMs longest wait for each cursor row and for each former owner's end
 */
export async function claimSources(
  session: WriterSession,
  sources: readonly NamedSource[],
  owner: string,
  waitMs: number,
): Promise<Map<number, Claim>> {
  // In the order of ids, so that two who claim the same ones never wait for each other in a ring.
  const rows = await session.query<ClaimRow & { source_id: number }>(
    `SELECT s.source_id, k.next_offset, k.epoch, k.halted_code, k.halted_detail
     FROM (
       SELECT source_id
       FROM unnest($1::int[], $2::int[], $3::text[]) AS named (source_id, partition, topic_id)
       JOIN sources USING (source_id, partition, topic_id)
       ORDER BY source_id
     ) AS s
     CROSS JOIN LATERAL claim_source(s.source_id, $4::text, $5::int) AS k`,
    [
      sources.map(({ sourceId }) => sourceId),
      sources.map(({ partition }) => partition),
      sources.map(({ topicId }) => topicId),
      owner,
      waitMs,
    ],
  );
  return new Map(rows.map((row) => [row.source_id, claimOf(row.source_id, row)]));
}

/**
 * After a reconnect: ends the lost session's backend, names the new one in the rows that are still
 * ours, and returns where all of them stand, by source id.
 */
export async function adoptSources(
  session: WriterSession,
  held: readonly HeldSource[],
): Promise<Map<number, { nextOffset: number; epoch: number }>> {
  const rows = await session.query<{ source_id: number; next_offset: string; epoch: string }>(
    'SELECT source_id, next_offset, epoch FROM adopt_sources($1::int[], $2::bigint[])',
    [held.map((source) => source.sourceId), held.map((source) => source.epoch)],
  );
  return new Map(
    rows.map((row) => [
      row.source_id,
      { nextOffset: Number(row.next_offset), epoch: Number(row.epoch) },
    ]),
  );
}

/** Lets go of sources in order, so that the next claim has nobody to evict. */
export async function releaseSources(
  session: WriterSession,
  held: readonly HeldSource[],
): Promise<void> {
  await session.query('SELECT release_sources($1::int[], $2::bigint[])', [
    held.map((source) => source.sourceId),
    held.map((source) => source.epoch),
  ]);
}

/**
 * Stops a source until an operator decides; survives restarts. Returns false where we are no longer its
 * owner. `resumeAt` is where reading could go on once the loss is accepted.
 */
export async function haltSource(
  session: WriterSession,
  held: HeldSource,
  halt: { code: string; detail: string; resumeAt: number | null },
): Promise<boolean> {
  const rows = await session.query<{ halted: boolean | null }>(
    'SELECT halt_source($1::int, $2::bigint, $3::text, $4::text, $5::bigint) AS halted',
    [held.sourceId, held.epoch, halt.code, redact(halt.detail), halt.resumeAt],
  );
  return rows[0]?.halted === true;
}
