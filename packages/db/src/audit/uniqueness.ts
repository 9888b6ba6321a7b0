import { type AuditCheck, OFFENDING_FETCH } from './check.ts';

/** I5: no key twice in the whole table; the primary key alone says so only within a partition. */
export const UNIQUENESS: AuditCheck = {
  id: 'I5',
  name: 'no idempotency key is stored twice',
  groupsAreRows: true,
  // The limit inside keeps the second scan away when nothing is found.
  statement: `
    WITH twice AS MATERIALIZED (
      SELECT event_key, count(*) AS copies FROM events
      GROUP BY event_key HAVING count(*) > 1
      LIMIT ${OFFENDING_FETCH}
    )
    SELECT e.source_id,
           format('key %s is stored %s times; this copy is in %s', t.event_key, t.copies, e.tableoid::regclass)
             AS detail,
           e.source_offset AS first_offset, e.source_offset + 1 AS end_offset
    FROM twice t JOIN events e USING (event_key)
    ORDER BY t.event_key, e.source_id, e.source_offset
    LIMIT ${OFFENDING_FETCH}`,
};
