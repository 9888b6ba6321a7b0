import { type AuditCheck, OFFENDING_FETCH } from './check.ts';

/** I1: from one genesis row on, each row begins where the one before ends. */
export const TILING: AuditCheck = {
  id: 'I1',
  name: 'ledger rows tile every source without gap, overlap or fork',
  statement: `
    WITH tiles AS (
      SELECT source_id, first_offset, end_offset,
             lag(end_offset) OVER ends AS previous_end, row_number() OVER ends AS position
      FROM ledger
      WINDOW ends AS (PARTITION BY source_id ORDER BY end_offset, first_offset NULLS FIRST)
    )
    SELECT source_id,
           CASE WHEN position = 1 THEN 'the first ledger row is no genesis row'
                WHEN first_offset IS NULL THEN 'a second genesis row'
                WHEN first_offset > previous_end THEN 'no ledger row covers these offsets'
                ELSE 'ledger rows overlap here' END AS detail,
           CASE WHEN position > 1 AND first_offset > previous_end THEN previous_end
                ELSE first_offset END AS first_offset,
           CASE WHEN position > 1 AND first_offset > previous_end THEN first_offset
                WHEN first_offset < previous_end THEN previous_end
                ELSE end_offset END AS end_offset
    FROM tiles
    WHERE (position = 1) <> (first_offset IS NULL) OR first_offset <> previous_end
    UNION ALL
    SELECT source_id, 'the source has no ledger row at all', NULL, NULL
    FROM sources s WHERE NOT EXISTS (SELECT FROM ledger l WHERE l.source_id = s.source_id)
    ORDER BY 1, 3 NULLS FIRST, 4
    LIMIT ${OFFENDING_FETCH}`,
};
