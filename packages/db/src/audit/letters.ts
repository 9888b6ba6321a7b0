import { type AuditCheck, OFFENDING_FETCH } from './check.ts';

// Only that day can have held it. Of an id without a time no key is kept: it may have left once some did after the letter was
// settled, or while that was being committed.
const HAS_LEFT = `(rollup_cohort(l.impression_id) >= 0 AND EXISTS (
      SELECT FROM retired_days d WHERE d.dropped_at IS NOT NULL
        AND l.impression_id >= first_id_of(d.day) AND l.impression_id < first_id_of(d.day + 1))
    OR rollup_cohort(l.impression_id) < 0 AND l.settled_at < (
      SELECT max(p.last_purged_at) + interval '10 minutes' FROM timeless_passes p))`;

/**
 * I6: a letter is what a reference says, has as many tries as it counts, and where it is resolved its key
 * is in `events`, or has left; bytes and tries are those of letters, which no foreign key says. One state a
 * letter and bounded attempts are constraints of the table.
 */
export const LETTERS: AuditCheck = {
  id: 'I6',
  name: 'every letter has its reference and its tries; resolved ones are in events',
  statement: `
    SELECT l.source_id,
           CASE WHEN r.source_id IS NULL THEN format('letter %s is %s without a reference', l.letter_id, l.state)
                WHEN l.state = 'pending' AND b.letter_id IS NULL
                THEN format('letter %s is pending, but its bytes are gone', l.letter_id)
                WHEN r.code <> l.code THEN format('letter %s says %s, its reference %s', l.letter_id, l.code, r.code)
                WHEN l.state = 'resolved' AND e.event_key IS NULL AND NOT ${HAS_LEFT}
                THEN format('letter %s is resolved, but key %s is not in events', l.letter_id, l.event_key)
                ELSE format('letter %s counts %s tries in series %s, %s were begun', l.letter_id, l.attempts,
                            l.series, t.begun) END AS detail,
           l.source_offset AS first_offset, l.source_offset + 1 AS end_offset
    FROM dead_letters l
    LEFT JOIN dead_letter_refs r ON r.source_id = l.source_id AND r.source_offset = l.source_offset
                                AND r.record_sha256 = l.record_sha256
    LEFT JOIN events e ON l.state = 'resolved' AND e.impression_id = l.impression_id AND e.event_key = l.event_key
    LEFT JOIN dead_letter_records b ON b.letter_id = l.letter_id
    CROSS JOIN LATERAL (
      SELECT count(*) AS begun FROM dead_letter_attempts a WHERE a.letter_id = l.letter_id AND a.series = l.series
    ) AS t
    WHERE l.state NOT IN ('unconfirmed', 'orphan')
      AND (r.source_id IS NULL OR r.code <> l.code OR (l.state = 'resolved' AND e.event_key IS NULL AND NOT ${HAS_LEFT})
           OR l.attempts <> t.begun OR (l.state = 'pending' AND b.letter_id IS NULL))
    UNION ALL
    SELECT o.source_id, format('%s of letter %s, which is none', o.what, o.letter_id), NULL, NULL
    FROM (
      SELECT NULL::int AS source_id, 'bytes' AS what, letter_id FROM dead_letter_records
      UNION ALL SELECT source_id, 'a try', letter_id FROM dead_letter_attempts
    ) AS o
    WHERE NOT EXISTS (SELECT FROM dead_letters l WHERE l.letter_id = o.letter_id)
    ORDER BY source_id, first_offset
    LIMIT ${OFFENDING_FETCH}`,
};
