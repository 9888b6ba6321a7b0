import { beforeEach, expect, test } from 'vitest';
import { BORN_MS, type FiguresStage, figuresStage, impressionId } from './support/figures-stage.ts';

let stage: FiguresStage;
beforeEach(async () => {
  stage = await figuresStage();
});

const DAY = ['--from', '2026-03-29', '--to', '2026-03-30', '--time-zone', 'Europe/Berlin'];
const CAMPAIGN = ['--campaign', 'c-7'];
const AT = (time: string) => `2026-03-${time}Z`;

/** In Berlin the 29th lasts from 23:00 to 22:00 UTC. */
const EVENTS = [
  { type: 'impression', n: 1, at: AT('28T23:30:00'), amount: 2_000_000n },
  { type: 'impression', n: 2, at: AT('28T22:59:59'), amount: 1_000_000n },
  { type: 'click', n: 1, at: AT('28T23:31:00'), amount: 500_000n },
  { type: 'click', n: 2, at: AT('29T21:59:59'), amount: 250_000n },
  { type: 'click', n: 2, at: AT('29T22:00:00'), amount: 250_000n },
  { type: 'click', n: 9, at: AT('29T10:00:00'), amount: 10n },
  { type: 'click', n: 1, at: AT('28T23:00:00'), amount: 20n },
  { type: 'conversion', n: 1, at: AT('29T12:00:00'), amount: 9_000_001n, currency: 'USD' },
  { type: 'click', n: 3, at: AT('29T13:00:00'), amount: 7n, bornMs: BORN_MS + 90_000 },
  { type: 'click', n: 4, at: AT('29T13:00:00'), amount: 7n, campaign: 'other' },
] as const;

test('a report names what is billed, unmatched, invalid and waiting, and says what is stored', async () => {
  await stage.store(EVENTS);
  await stage.sumUp(BORN_MS + 60_000);
  const { code, stdout, stderr } = await stage.ops('report', ...CAMPAIGN, ...DAY);
  expect(code).toBe(0);
  const rows = stdout.split('\n').map((line) => line.split(/ {2,}/));
  expect(rows[0]).toEqual([
    '2026-03-29T00:00:00+01:00 to 2026-03-30T00:00:00+02:00 (Europe/Berlin)',
  ]);
  for (const line of [
    'c-7 2026-03-29 1 2 1 1 1 1 2.000000 0.500000',
    'c-7 2026-03-29 EUR 2.75 0.00 0.00001 0.00002 0.000007 - 2,750.00 1.375',
    'c-7 2026-03-29 USD 0.00 9.000001 0.00 0.00 0.00 - - -',
  ]) {
    expect(rows).toContainEqual(line.split(' '));
  }
  expect(rows).toContainEqual(['click', 'unmatched: no impression of its id is stored', '1']);
  expect(rows).toContainEqual(['click', 'waiting: stored and not summed up yet', '1']);
  expect(rows).toContainEqual(['click', 'stored in all', '5']);
  expect(stderr).toContain('version 2 has summed up impressions born before 2026-03-28T23:31:00');
  expect(stderr).toContain('minutes are not summed up: does backfill-runner --watch run?');
});

test('a report as JSON and CSV has exact figures, whole days of any zone, and what was booked by hand', async () => {
  const [, , key] = await stage.store(EVENTS);
  await stage.sumUp(BORN_MS + 60_000);
  await stage.db
    .insertInto('conflicts')
    .values({
      source_id: stage.sourceId,
      source_offset: 99n,
      impression_id: impressionId(1),
      event_key: key ?? '',
      record_key: null,
      record_value: Buffer.from('{}'),
      record_headers: Buffer.from('[]'),
    })
    .execute();
  const { result } = await stage.json('report', ...CAMPAIGN, ...DAY);
  expect(result).toMatchObject({
    campaign: 'c-7',
    by: 'day',
    read_from: 'rollups',
    as_of: { version: 2, summed_to: '2026-03-28T23:31:00.000Z', waiting_notes: '0' },
    counts: [
      { campaign: 'c-7', day: '2026-03-29', clicks: '2', stored_clicks: '5', cvr: '0.500000' },
    ],
    money: [
      { currency: 'EUR', spend_micros: '2750000', cpc_micros: '1375000', adjustments: 0 },
      { currency: 'USD', spend_micros: '0', value_micros: '9000001', cpc_micros: null },
    ],
    events: {
      click: { click: '2', unmatched_click: '1', early_click: '1', waiting: '1', stored: '5' },
    },
  });
  const csv = (await stage.ops('report', ...DAY, '--by', 'campaign', '--csv')).stdout;
  const lines = csv
    .trimEnd()
    .split('\r\n')
    .map((line) => line.split(','));
  const column = (name: string) => lines[0]?.indexOf(name) ?? -1;
  expect(
    lines
      .slice(1)
      .map((line) => [
        line[0],
        line[1],
        line[column('stored_clicks')],
        line[column('spend_micros')],
      ]),
  ).toEqual([
    ['c-7', '', '5', ''],
    ['other', '', '1', ''],
    ['c-7', 'EUR', '', '2750000'],
    ['c-7', 'USD', '', '0'],
    ['other', 'EUR', '', '0'],
  ]);
  expect(new Set(lines.map(({ length }) => length)).size).toBe(1);
  const india = ['--from', '2026-03-29', '--to', '2026-03-30', '--time-zone', 'Asia/Kolkata'];
  const attributed = await stage.json('report', ...CAMPAIGN, ...india);
  expect(attributed.result).toMatchObject({
    read_from: 'events',
    counts: [
      {
        day: '2026-03-29',
        impressions: '2',
        clicks: '1',
        unmatched_clicks: '1',
        stored_clicks: '4',
      },
    ],
  });
  expect((await stage.ops('report', ...india)).stderr).toContain('attributed anew from the events');
});

test('as of is as far as everything before it is summed up, whatever was taken behind that', async () => {
  await stage.store(EVENTS);
  await stage.sumUp(BORN_MS + 60_000);
  const bases = await stage.db
    .selectFrom('rollup_bases')
    .select('first_cohort')
    .where('first_cohort', '>=', 0n)
    .orderBy('first_cohort')
    .execute();
  expect(bases.length).toBeGreaterThan(1);
  for (const { first_cohort } of bases.toReversed()) {
    await stage.db
      .updateTable('rollup_bases')
      .set({ taken_at: null, seen_sources: null, seen_offsets: null })
      .where('first_cohort', '=', first_cohort)
      .execute();
    const { result } = await stage.json('report', ...CAMPAIGN, ...DAY);
    const summedTo = first_cohort === 0n ? null : new Date(Number(first_cohort) * 30_000);
    expect(result.as_of.summed_to).toBe(summedTo?.toISOString() ?? null);
    // It was taken before the others.
    await stage.db
      .updateTable('rollup_bases')
      .set({ taken_at: new Date(), seen_sources: [], seen_offsets: [] })
      .where('first_cohort', '=', first_cohort)
      .execute();
  }
});

test('the events behind a figure are as many as it says, with their records and why each counts or not', async () => {
  await stage.store(EVENTS);
  await stage.sumUp(BORN_MS + 60_000);
  const { code, result } = await stage.json('events', ...CAMPAIGN, ...DAY);
  expect(code).toBe(0);
  expect(
    result.events.map((one: Record<string, unknown>) => [
      one['class'],
      one['topic'],
      one['partition'],
      one['offset'],
    ]),
  ).toEqual([
    ['early_click', 'ads', 3, 6],
    ['impression', 'ads', 3, 0],
    ['click', 'ads', 3, 2],
    ['click_conversion', 'ads', 3, 7],
    ['click', 'ads', 3, 3],
    ['unmatched_click', 'ads', 3, 5],
    ['waiting', 'ads', 3, 8],
  ]);
  expect(result).toMatchObject({ shown: 7, more: '0', classes: { click: { stored: '5' } } });
  expect(result.events[3]).toMatchObject({
    amount_micros: '9000001',
    currency: 'USD',
    earned_by: { topic: 'ads', partition: 3, offset: 2 },
    why: 'credited to a click',
  });
  const clicks = await stage.ops('events', ...CAMPAIGN, ...DAY, '--type', 'click', '--limit', '2');
  expect(clicks.stdout).toMatch(/^OCCURRED +TYPE +AMOUNT +RECORD/);
  expect(clicks.stdout).toContain('ads/3@6');
  expect(clicks.stdout).toContain('invalid order: it lies before its impression');
  expect(clicks.stdout).not.toContain('ads/3@3');
  expect(clicks.stdout).toMatch(/click +stored in all +5/);
  expect(clicks.stderr).toContain('3 more are not listed: --limit 5 lists all');
  const csv = await stage.ops('events', ...CAMPAIGN, ...DAY, '--type', 'conversion', '--csv');
  expect(csv.stdout.split('\r\n')).toHaveLength(3);
  expect(csv.stdout).toMatch(/^type,class,occurred_at,/);
  expect(csv.stdout).toContain(',ads,3,7,');
  const nothing = await stage.json('events', '--campaign', 'none', ...DAY);
  expect(nothing.result).toMatchObject({ events: [], shown: 0, more: '0' });
});

test('a campaign without any event is named: a misspelt one looks like one that earned nothing', async () => {
  await stage.store(EVENTS);
  await stage.sumUp(BORN_MS + 60_000);
  for (const command of ['report', 'events']) {
    const misspelt = await stage.ops(command, '--campaign', 'c-77', ...DAY);
    expect(misspelt.stderr).toContain('no event of campaign "c-77" is stored in this time');
    const { stderr } = await stage.ops(command, ...CAMPAIGN, ...DAY);
    expect(stderr).not.toContain('no event of campaign');
  }
});

test('a campaign is named exactly; a long name is cut in tables alone', async () => {
  const names = [' -padded ', `${'x'.repeat(300)}1`, `${'x'.repeat(300)}2`];
  const event = { type: 'impression', at: '2026-03-29T12:00:00Z', amount: 1n } as const;
  await stage.store(names.map((campaign, n) => ({ ...event, n, campaign })));
  await stage.sumUp(BORN_MS + 60_000);
  for (const name of names) {
    const { result } = await stage.json('report', '--campaign', name, ...DAY);
    expect(result.counts).toMatchObject([{ campaign: name, impressions: '1' }]);
  }
  const { stdout } = await stage.ops('report', ...DAY);
  expect(stdout).toMatch(/^x{22}\.\.\.x{21}1 {2}/m);
  expect(Math.max(...stdout.split('\n').map(({ length }) => length))).toBeLessThan(200);
});

test.each([
  [['--campaign', '--json'], 'does not begin with two dashes', 2],
  [['--time-zone', 'Europe/Berlim'], '(Did you mean Europe/Berlin?)', 2],
  [['--time-zone', '+05:30'], 'must be a time zone by its IANA name', 2],
  [['--from', '2026-03-29T10:30:00Z'], 'must be a day such as', 2],
  [['--to', '2026-03-28'], 'must lie after --from', 2],
  [['--csv', '--json'], 'exclude each other', 2],
  [[], 'no version of the rollups is promoted', 4],
])('a report with %j is refused', async (argv, words, code) => {
  const refused = await stage.ops('report', ...DAY, ...argv);
  expect(refused).toMatchObject({ code, stdout: '' });
  expect(refused.stderr).toContain(words);
});
