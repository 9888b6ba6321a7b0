import type { DatabaseExecutor } from '@adtally/db';
import { listAdjustments } from '../adjustments.ts';
import type { Bucket } from '../period.ts';
import { canonicalText } from './canonical.ts';
import type { StatedAdjustment } from './document.ts';
import { instantText } from './figures.ts';

/** What was booked by hand for a campaign's events of these days, in the caller's snapshot. */
export async function statedAdjustments(
  trx: DatabaseExecutor,
  campaignId: string,
  days: readonly Bucket[],
): Promise<StatedAdjustment[]> {
  const period = { fromMs: days[0]?.fromMs ?? 0, toMs: days.at(-1)?.toMs ?? 0 };
  const booked = await listAdjustments(trx, { campaignId, period });
  return booked.flatMap(({ adjustmentId, bookedAt, occurredAt, amountMicros, undoes, ...of }) => {
    const at = Date.parse(occurredAt);
    const day = days.find(({ fromMs, toMs }) => at >= fromMs && at < toMs);
    return day === undefined
      ? []
      : {
          adjustment: String(adjustmentId),
          booked_at: instantText(bookedAt.getTime()),
          day: day.label,
          event_key: of.eventKey,
          event_type: of.eventType,
          currency: of.currency,
          amount_micros: String(amountMicros),
          undoes: undoes === null ? null : String(undoes),
        };
  });
}

/** Those a statement names that are not as they were booked; what was booked since is none of it. */
export function adjustmentDifferences(
  stated: readonly StatedAdjustment[],
  found: readonly StatedAdjustment[],
): string[] {
  const texts = new Map(found.map((one) => [one.adjustment, canonicalText(one)]));
  return stated
    .filter((one) => texts.get(one.adjustment) !== canonicalText(one))
    .map(
      ({ adjustment, day, currency, amount_micros }) =>
        `adjustment ${adjustment}: the statement says ${day} ${currency} ${amount_micros} micros, ${
          texts.has(adjustment) ? 'it was booked otherwise' : 'there is none'
        }`,
    );
}
