import {
  type Measure,
  MEASURES,
  MEASURES_BY_STANDING,
  type Standing,
  STANDINGS,
} from '../measures.ts';
import type { Change, Statement, StatementFigures } from './document.ts';
import type { Sums } from './figures.ts';

/** By day, then by currency. */
export type DailySums = ReadonlyMap<string, ReadonlyMap<string, Sums>>;

/** As the document holds them, by currency. */
export function statedFigures(byCurrency: ReadonlyMap<string, Sums>): StatementFigures[] {
  return [...byCurrency]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([currency, sums]) => {
      const of = (standing: Standing) =>
        Object.fromEntries(
          MEASURES_BY_STANDING[standing].map((measure) => [
            measure,
            String(sums.get(measure) ?? 0n),
          ]),
        );
      return { currency, billed: of('billed'), unmatched: of('unmatched'), invalid: of('invalid') };
    });
}

/** What a document says of each day. */
export function dailySumsOf({ days }: Pick<Statement, 'days'>): DailySums {
  return new Map(days.map(({ day, currencies }) => [day, sumsOf(currencies)]));
}

function sumsOf(figures: readonly StatementFigures[]): Map<string, Sums> {
  return new Map(
    figures.map((of) => {
      const stated = STANDINGS.flatMap((standing) => Object.entries(of[standing]));
      return [
        of.currency,
        new Map(stated.map(([name, value]) => [name as Measure, BigInt(value)])),
      ];
    }),
  );
}

/** All days together, by currency. */
export function totalOf(daily: DailySums): Map<string, Sums> {
  const total = new Map<string, Map<Measure, bigint>>();
  for (const byCurrency of daily.values()) {
    for (const [currency, sums] of byCurrency) {
      const of = total.get(currency) ?? new Map<Measure, bigint>();
      total.set(currency, of);
      for (const [measure, value] of sums) of.set(measure, (of.get(measure) ?? 0n) + value);
    }
  }
  return total;
}

/** Every figure in which two accounts of the same days differ, by day, currency and measure. */
export function changesBetween(before: DailySums, after: DailySums): Change[] {
  const days = [...new Set([...before.keys(), ...after.keys()])].toSorted();
  return days.flatMap((day) => {
    const [left, right] = [before.get(day), after.get(day)];
    const currencies = [...new Set([...(left?.keys() ?? []), ...(right?.keys() ?? [])])].toSorted();
    return currencies.flatMap((currency) =>
      MEASURES.map((measure) => ({
        day,
        currency,
        measure,
        before: String(left?.get(currency)?.get(measure) ?? 0n),
        after: String(right?.get(currency)?.get(measure) ?? 0n),
      })).filter((change) => change.before !== change.after),
    );
  });
}
