import { type AuditCheck, OFFENDING_FETCH } from './check.ts';

// One sum tells how many of each kind share a coordinate: events, references, conflicts.
const REFERENCE_WEIGHT = 1_000;
const CONFLICT_WEIGHT = 1_000_000;

/** A record ends in one way: as an event, a dead letter or a conflict, and once. */
export const DISPOSITIONS: AuditCheck = {
  id: 'dispositions',
  name: 'no record was given two outcomes',
  groupsAreRows: true,
  statement: `
    WITH twice AS (
      SELECT source_id, source_offset, sum(weight) AS weights
      FROM (
        SELECT source_id, source_offset, 1 AS weight FROM events
        UNION ALL
        SELECT source_id, source_offset, ${REFERENCE_WEIGHT} FROM dead_letter_refs
        UNION ALL
        SELECT source_id, source_offset, ${CONFLICT_WEIGHT} FROM conflicts
      ) AS disposition
      GROUP BY source_id, source_offset HAVING count(*) > 1
    )
    SELECT source_id,
           format('%s events, %s dead-letter references and %s conflicts share this offset',
                  weights % ${REFERENCE_WEIGHT}, weights / ${REFERENCE_WEIGHT} % ${CONFLICT_WEIGHT / REFERENCE_WEIGHT},
                  weights / ${CONFLICT_WEIGHT}) AS detail,
           source_offset AS first_offset, source_offset + 1 AS end_offset
    FROM twice
    ORDER BY source_id, source_offset
    LIMIT ${OFFENDING_FETCH}`,
};
