import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { recount } from '../src/index.ts';
import { type CountedTopic, countedTopic } from './support/counted-topic.ts';

const OPS = resolve(import.meta.dirname, '../../../apps/ops/src/main.ts');

type Json = any;

let stage: CountedTopic;
let campaign: string;
/** All that was counted. */
let period: string[];
/** Of everything, before anything was summed up. */
let early: Json;

beforeAll(async () => {
  stage = await countedTopic(4_000);
  ({ campaignId: campaign } = await stage.busiestCampaign());
  const { rows } = await sql<{ first: string; end: string }>`
    SELECT to_char(min(occurred_at), 'YYYY-MM-DD') AS first, to_char(max(occurred_at) + '2 days', 'YYYY-MM-DD') AS end
    FROM events`.execute(stage.db);
  period = ['--from', rows[0]?.first ?? '', '--to', rows[0]?.end ?? ''];
  early = ops('report', ...period, '--by', 'campaign');
  await stage.sumUp();
}, 120_000);

afterAll(async () => {
  await stage[Symbol.asyncDispose]();
});

/** What the operator's command prints, as an object. */
function ops(...words: string[]): Json {
  const argv = ['--conditions=@adtally/source', OPS, ...words, '--json'];
  const { stdout, stderr, status } = spawnSync(process.execPath, argv, {
    env: stage.env,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
}

async function recounted(kind: 'report' | 'events', printed: object, ...words: string[]) {
  const file = join(stage.folder, `${kind}.json`);
  writeFileSync(file, JSON.stringify(printed));
  const { code, stdout, stderr } = await recount([kind, file, ...words, '--json'], stage.env);
  const result = stdout === '' ? {} : (JSON.parse(stdout) as { differences: string[] });
  return { code, stderr, differences: [] as string[], ...result };
}

const AGREES = { code: 0, differences: [], unknown: [] };

test.each([
  ['by days of a zone', ['--by', 'day', '--time-zone', 'America/New_York'], 'rollups'],
  [
    'by hours of a zone that is not whole hours from UTC',
    ['--by', 'hour', '--time-zone', 'Asia/Kathmandu'],
    'events',
  ],
  ['by creative', ['--by', 'creative'], 'rollups'],
])('a report of all campaigns %s is what the topic comes to', async (_what, words, from) => {
  const report = ops('report', ...period, ...words);
  expect(report).toMatchObject({ read_from: from, campaign: null });
  expect(report.counts.length).toBeGreaterThan(10);
  const { click, conversion } = report.events;
  for (const events of [click.early_click, click.unmatched_click, conversion.unmatched_conversion])
    expect(Number(events)).toBeGreaterThan(0);
  expect(await recounted('report', report, '--source', 'topic')).toMatchObject(AGREES);
});

test('a report made before anything was summed up says that all of it waits, and so does the recount', async () => {
  const { impression } = early.events;
  expect(Number(impression.waiting)).toBeGreaterThan(0);
  expect(impression.waiting).toBe(impression.stored);
  expect(await recounted('report', early)).toMatchObject(AGREES);
});

test('the figures of one campaign are what topic and rows come to, and one changed number of each kind is named', async () => {
  const report = ops('report', '--campaign', campaign, ...period);
  for (const source of ['topic', 'rows'])
    expect(await recounted('report', report, '--source', source)).toMatchObject(AGREES);

  const forged = structuredClone(report);
  const [count, gone, booked] = [forged.counts[0], forged.counts.pop(), forged.money[0]];
  count.clicks = String(Number(count.clicks) + 1);
  booked.spend_micros = String(BigInt(booked.spend_micros) + 1n);
  forged.events.conversion.view_conversion = '999999';
  const { code, differences } = await recounted('report', forged);
  expect(code).toBe(1);
  const named = (member: string) => differences.filter((one) => one.includes(` ${member}: `));
  expect(named('view_conversion')).toEqual([
    expect.stringMatching(
      /^events conversion view_conversion: the file says 999999, the recount \d+$/,
    ),
  ]);
  expect(named('clicks').some((one) => one.startsWith(`${campaign} ${count.day} clicks: `))).toBe(
    true,
  );
  expect(named('spend_micros')).toEqual([
    `${campaign} ${booked.day} ${booked.currency} spend_micros: the file says ${booked.spend_micros}, ` +
      `the recount ${BigInt(booked.spend_micros) - 1n}`,
  ]);
  expect(differences.some((one) => one.startsWith(`${campaign} ${gone.day} stored_`))).toBe(true);
});

test('the events behind the figures are those of the topic, each where it lies, and one that is not is named', async () => {
  const words = ['events', '--campaign', campaign, ...period];
  const all = ops(...words, '--limit', '100000');
  expect(all.events.filter((one: Json) => one.class === 'click_conversion').length).toBeGreaterThan(
    0,
  );
  expect(await recounted('events', all, '--source', 'topic')).toMatchObject(AGREES);
  expect(await recounted('events', all, '--source', 'rows')).toMatchObject({
    ...AGREES,
    notes: ['where the records lie is not compared'],
  });
  const some = ops(...words, '--type', 'click', '--limit', '5');
  expect(some).toMatchObject({ shown: 5 });
  expect(await recounted('events', some)).toMatchObject(AGREES);

  const forged = structuredClone(all);
  const of = (name: string) => forged.events.find((one: Json) => one.class === name);
  const [moved, dearer, credited] = [of('impression'), of('click'), of('click_conversion')];
  moved.offset = Number(moved.offset) + 1_000_000;
  dearer.amount_micros = String(BigInt(dearer.amount_micros) + 1n);
  [credited.class, credited.earned_by] = ['view_conversion', null];
  const gone = forged.events.pop();
  const { code, differences } = await recounted('events', forged);
  expect(code).toBe(1);
  expect(differences.map((one) => one.replaceAll(/the recount (at )?.*$/g, '...'))).toEqual(
    expect.arrayContaining([
      `impression ${moved.event_key}: the file says it lies at ${moved.topic}/${moved.partition}@${moved.offset}, ...`,
      `click ${dearer.event_key} amount_micros: the file says ${dearer.amount_micros}, ...`,
      `conversion ${credited.event_key} class: the file says view_conversion, ...`,
      `1 events are not listed: ${gone.event_key}`,
    ]),
  );
  // One more for how many are listed, one for the click that is said to have earned nothing.
  expect(differences.length).toBe(6);
});

test('a file that nobody can hold against the topic is refused with a word', async () => {
  const late = { ...early, as_of: { ...early.as_of, waiting_notes: '2' } };
  expect(await recounted('report', late)).toMatchObject({
    code: 3,
    stderr: expect.stringContaining('2 batches with late events waited'),
  });
  expect(await recounted('events', early)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('it should have as_of, campaign, classes'),
  });
  const as_of = { ...early.as_of, positions: undefined };
  expect(await recounted('report', { ...early, as_of })).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('it has no positions'),
  });
});
