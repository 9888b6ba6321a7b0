/**
 * The contract's versions and the way from each to the next. A record is upcast step by step to the
 * newest version before anything is validated, so the rest of the house knows one version only.
 */

/** A JSON number that is not a plainly spelt integer: `1.0`, `1e3`, `-0`. Kept as its text. */
export class OddNumber {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/**
 * A JSON value before validation. Integers are exact (`bigint`), whatever their size; numbers in
 * another spelling are `OddNumber`. Inside nested objects and arrays numbers are plain doubles.
 */
export type RawValue = string | bigint | boolean | null | OddNumber | object;

/** The known members of a record, by name; the object has no prototype. */
export type RawEvent = Readonly<Record<string, RawValue>>;

export interface SchemaVersion {
  readonly version: number;
  /** Field names this version knows and the newest does not. */
  readonly formerNames?: readonly string[];
  /**
   * Turns an event of this version into one of the next; `null` for the newest. Must be pure. Where it
   * throws, the record is a `schema_mismatch`.
   */
  readonly upcast: ((raw: RawEvent) => RawEvent) | null;
}

/** Oldest first; the last is the newest, which the field table describes. */
export const SCHEMA_VERSIONS: readonly SchemaVersion[] = [{ version: 1, upcast: null }];

/** The newest version of a list. @throws Error where the list is empty or its last entry has an upcast */
export function newestVersion(versions: readonly SchemaVersion[]): number {
  const newest = versions.at(-1);
  if (newest === undefined || newest.upcast !== null)
    throw new Error('the last schema version must be the newest, without an upcast');
  return newest.version;
}

/** The version all others are upcast to, and the one `encodeEvent` writes. */
export const SCHEMA_VERSION = newestVersion(SCHEMA_VERSIONS);

/**
 * Takes an event of a known version to the newest one.
 *
 * @throws whatever an upcast throws
 */
export function upcastToNewest(
  raw: RawEvent,
  version: number,
  versions: readonly SchemaVersion[],
): RawEvent {
  let current = raw;
  for (const step of versions.slice(versions.findIndex((known) => known.version === version)))
    if (step.upcast !== null) current = step.upcast(current);
  return current;
}
