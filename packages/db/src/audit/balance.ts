import { type AuditCheck, OFFENDING_FETCH } from './check.ts';

/** I2: the constraints' own arithmetic, computed again: a constraint can be dropped. */
export const BALANCE: AuditCheck = {
  id: 'I2',
  name: 'every ledger row balances and spans what it counts',
  statement: `
    SELECT source_id,
           CASE WHEN consumed <> stored + duplicate + conflict + dead_lettered
                THEN format('consumed %s is not stored %s + duplicate %s + conflict %s + dead-lettered %s',
                            consumed, stored, duplicate, conflict, dead_lettered)
                WHEN coalesce(end_offset - first_offset, 0) <> consumed + gap + lost
                THEN format('%s offsets are not consumed %s + gap %s + lost %s',
                            coalesce(end_offset - first_offset, 0), consumed, gap, lost)
                ELSE format('a count is negative, or purged %s exceeds stored %s', purged, stored)
           END AS detail,
           first_offset, end_offset
    FROM ledger
    WHERE consumed <> stored + duplicate + conflict + dead_lettered
       OR coalesce(end_offset - first_offset, 0) <> consumed + gap + lost
       OR least(consumed, stored, duplicate, conflict, dead_lettered, gap, lost, purged) < 0
       OR purged > stored
    ORDER BY source_id, end_offset
    LIMIT ${OFFENDING_FETCH}`,
};
