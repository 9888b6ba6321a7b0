import { type AuditCheck, OFFENDING_FETCH } from './check.ts';

/** I3: the cursor stands where the ledger ends, and epochs never fall along the offsets. */
export const CURSOR: AuditCheck = {
  id: 'I3',
  name: 'every cursor stands at the end of its ledger and never went back',
  statement: `
    WITH ends AS (
      SELECT source_id, max(end_offset) AS ledger_end, max(epoch) AS ledger_epoch
      FROM ledger GROUP BY source_id
    ), steps AS (
      SELECT source_id, first_offset, end_offset, epoch,
             lag(epoch) OVER (PARTITION BY source_id ORDER BY end_offset) AS previous_epoch
      FROM ledger
    )
    SELECT s.source_id,
           CASE WHEN c.source_id IS NULL THEN 'the source has no cursor'
                WHEN c.next_offset > e.ledger_end
                THEN format('the cursor stands at %s, past the ledger''s end %s', c.next_offset, e.ledger_end)
                ELSE format('the cursor stands at %s, before the ledger''s end %s', c.next_offset, e.ledger_end)
           END AS detail,
           least(c.next_offset, e.ledger_end) AS first_offset,
           greatest(c.next_offset, e.ledger_end) AS end_offset
    FROM sources s LEFT JOIN cursors c USING (source_id) LEFT JOIN ends e USING (source_id)
    WHERE c.next_offset IS DISTINCT FROM e.ledger_end OR c.source_id IS NULL
    UNION ALL
    SELECT c.source_id, format('the cursor''s epoch %s is older than the ledger''s %s', c.epoch, e.ledger_epoch),
           c.next_offset, c.next_offset
    FROM cursors c JOIN ends e USING (source_id)
    WHERE c.epoch < e.ledger_epoch
    UNION ALL
    SELECT source_id, format('epoch %s follows epoch %s', epoch, previous_epoch), first_offset, end_offset
    FROM steps WHERE epoch < previous_epoch
    ORDER BY 1, 3 NULLS FIRST, 4
    LIMIT ${OFFENDING_FETCH}`,
};
