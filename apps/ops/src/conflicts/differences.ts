import type { EventValues } from '@adtally/analytics';

/** A column in which two copies of an event differ. */
export interface Difference {
  readonly column: string;
  readonly stored: string | bigint | null;
  readonly conflicting: string | bigint | null;
}

/** What differs, by column in the order of the stored one; none where the copies differ in nothing this build stores. */
export function differences(stored: EventValues, conflicting: EventValues): Difference[] {
  const columns = new Set([...Object.keys(stored), ...Object.keys(conflicting)]);
  return [...columns]
    .map((column) => ({
      column,
      stored: stored[column] ?? null,
      conflicting: conflicting[column] ?? null,
    }))
    .filter((one) => one.stored !== one.conflicting);
}

/** How much more the conflicting copy has, in micros; null where it has another currency. */
export function amountDifference(stored: EventValues, conflicting: EventValues): bigint | null {
  if (stored['currency'] !== conflicting['currency']) return null;
  return amountOf(conflicting) - amountOf(stored);
}

function amountOf({ amount_micros: amount }: EventValues): bigint {
  if (typeof amount !== 'bigint') throw new Error('an event without an amount');
  return amount;
}
