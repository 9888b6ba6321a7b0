/**
 * One check of the audit. `statement` yields one row an offence, in order, with columns
 * `source_id int, detail text, first_offset bigint, end_offset bigint` (end exclusive; offsets null
 * where none can be named). No rows: the check holds.
 */
export interface AuditCheck {
  /** The guarantee it proves (docs/guarantees.md), or a name of its own. */
  readonly id: string;
  /** One line for people. */
  readonly name: string;
  readonly statement: string;
  /**
   * True for a grouping in which nearly every group is one row: sorting in parallel is then twice
   * as fast as hashing (0.9 s against 1.9 s for 2 million keys on two cores).
   */
  readonly groupsAreRows?: boolean;
}

/** The rows a check may yield: what the report shows, and one more to know that there are more. */
export const OFFENDING_MAX = 10;
export const OFFENDING_FETCH = OFFENDING_MAX + 1;
