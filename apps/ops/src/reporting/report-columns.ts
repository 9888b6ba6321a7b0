import {
  classesOf,
  conversionsOf,
  type CountLine,
  measuresOf,
  type MoneyLine,
  storedEvents,
  valueOf,
} from '@adtally/analytics';
import { EVENT_TYPES } from '@adtally/event-schema';

type Figure = bigint | number | string | null;

/** The figures of a line of counts, by the names of JSON and CSV: by type each class, and the sum of them, which is stored. */
export function countFigures({ counts, ctr, cvr }: CountLine): Readonly<Record<string, Figure>> {
  const byType = EVENT_TYPES.map((type) => ({
    ...Object.fromEntries(
      classesOf(type)
        .map((eventClass) => measuresOf(type, eventClass).count)
        .map((measure) => [measure, counts[measure]]),
    ),
    [`stored_${type}s`]: storedEvents(counts, type),
  }));
  return Object.assign({}, ...byType, { conversions: conversionsOf(counts), ctr, cvr });
}

/** The figures of a line of money, by the names of JSON and CSV. */
export function moneyFigures(line: MoneyLine): Readonly<Record<string, Figure>> {
  const { sums } = line;
  return {
    spend_micros: sums.spend_micros,
    value_micros: valueOf(sums),
    click_value_micros: sums.click_value_micros,
    view_value_micros: sums.view_value_micros,
    unmatched_spend_micros: sums.unmatched_spend_micros,
    unmatched_value_micros: sums.unmatched_value_micros,
    invalid_spend_micros: sums.invalid_spend_micros,
    invalid_value_micros: sums.invalid_value_micros,
    waiting_spend_micros: sums.waiting_spend_micros,
    waiting_value_micros: sums.waiting_value_micros,
    adjustments: line.adjustments,
    adjusted_spend_micros: line.adjustedSpendMicros,
    adjusted_value_micros: line.adjustedValueMicros,
    cpm_micros: line.cpmMicros,
    cpc_micros: line.cpcMicros,
  };
}
