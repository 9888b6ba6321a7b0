import type { Truth } from '@adtally/event-simulator';
import { Client } from 'pg';
import type { Build } from '../build/build.ts';

/** Counts by name, as the producer knows them or as the database has them. */
export type Tally = Readonly<Record<string, string>>;

/** What must be in the database once everything the producer got acknowledged is counted. */
export function tallyOfTruth(truth: Truth): Tally {
  const dead = Object.values(truth.dead_lettered).reduce((sum, count) => sum + count, 0);
  return textTally({
    consumed: truth.acked,
    stored: truth.unique,
    rows: truth.unique,
    duplicate: truth.duplicate,
    conflict: truth.conflict,
    dead_lettered: dead,
    ...prefixed('type ', truth.by_event_type),
    ...prefixed('code ', truth.dead_lettered),
    ...prefixed('micros ', truth.money),
  });
}

/** Every line where the two differ, in words; a name that one side lacks is 0 there. */
export function differences(expected: Tally, actual: Tally): string[] {
  const names = new Set([...Object.keys(expected), ...Object.keys(actual)]);
  return [...names]
    .toSorted()
    .filter((name) => (expected[name] ?? '0') !== (actual[name] ?? '0'))
    .map((name) => `${name}: expected ${expected[name] ?? '0'}, found ${actual[name] ?? '0'}`);
}

/** What is wrong with a drained database; nothing where it is exact to the last micro and balances. */
export async function findProblems(
  build: Build,
  databaseUrl: string,
  truth: Truth,
): Promise<string[]> {
  const { balanced, checks, totals } = await build.audit(databaseUrl);
  const { consumed, stored, duplicate, conflict, dead_lettered } = totals;
  const actual = textTally({
    consumed,
    stored,
    duplicate,
    conflict,
    dead_lettered,
    ...prefixed('code ', totals.by_code),
    ...(await storedTally(databaseUrl)),
  });
  const broken = checks.filter(({ ok }) => !ok).map(({ id, name }) => `${id} fails: ${name}`);
  if (!balanced && broken.length === 0) broken.push('the audit does not balance');
  return [...broken, ...differences(tallyOfTruth(truth), actual)];
}

async function storedTally(databaseUrl: string): Promise<Record<string, string>> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const { rows } = await client.query<{ type: string; currency: string; n: string; sum: string }>(
      `SELECT event_type AS type, currency, count(*) AS n, sum(amount_micros) AS sum
       FROM events GROUP BY 1, 2`,
    );
    const tally = new Map<string, bigint>();
    const add = (name: string, value: string): void =>
      void tally.set(name, (tally.get(name) ?? 0n) + BigInt(value));
    for (const { type, currency, n, sum } of rows) {
      add('rows', n);
      add(`type ${type}`, n);
      add(`micros ${currency}`, sum);
    }
    return Object.fromEntries([...tally].map(([name, value]) => [name, value.toString()]));
  } finally {
    await client.end();
  }
}

type Countable = number | string | bigint;

function prefixed(
  prefix: string,
  counts: Readonly<Record<string, Countable>>,
): Record<string, Countable> {
  return Object.fromEntries(
    Object.entries(counts).map(([name, count]) => [`${prefix}${name}`, count]),
  );
}

function textTally(counts: Readonly<Record<string, Countable>>): Tally {
  return Object.fromEntries(Object.entries(counts).map(([name, count]) => [name, String(count)]));
}
