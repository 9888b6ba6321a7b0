import type { CopySession, EventDay } from '@adtally/db';
import { type ArchivedColumn, lineOf, lineValues } from './columns.ts';
import { type DayFigures, type FigureGroup, figuresOf, groupsQuery } from './figures.ts';

/** The rows of a day: those that leave with it. Ids that are no UUIDv7 have no day, and stay. */
export function rowsOf({ fromId, toId }: EventDay): string {
  return `(SELECT * FROM events WHERE impression_id >= '${fromId}' AND impression_id < '${toId}'
           AND rollup_cohort(impression_id) >= 0) AS day_rows`;
}

/** What those rows come to, in the session's snapshot. */
export async function databaseFigures(
  session: CopySession,
  rows: string,
  columns: readonly ArchivedColumn[],
): Promise<DayFigures> {
  const query = groupsQuery(
    rows,
    lineOf(columns),
    (text) => `encode(sha256(convert_to(${text}, 'UTF8')), 'hex')`,
    (hex) => `('x' || left(${hex}, 16))::bit(64)::bigint`,
    'text',
  );
  return figuresOf(await session.query<FigureGroup>(query));
}

/** The COPY that streams those rows as lines, sorted by campaign and time; the order is total, so it is repeatable. */
export function copyLines(rows: string, columns: readonly ArchivedColumn[]): string {
  return `COPY (SELECT ${lineValues(columns)} FROM ${rows}
          ORDER BY campaign_id COLLATE "C", occurred_at, impression_id, event_key) TO STDOUT`;
}
