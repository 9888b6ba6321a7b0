import { Rng } from '@adtally/event-simulator';
import { waitFor } from '@adtally/testkit';
import { expect, test } from 'vitest';
import { expectExact } from './support/exactness.ts';
import { beginLife, DAY_MS, horizonOf, RETENTION_DAYS, type Life } from './support/life.ts';
import {
  expectVerifiedOnceRestored,
  issueStatement,
  type IssuedStatement,
} from './support/statement.ts';

const DAYS = 40;
const EVENTS_PER_DAY = 150;
const PER_SECOND = 150;
const SEED = 1;
/** A whole day comes a second time when it is so old: all of it is there ... */
const COPIED_AFTER_DAYS = 6;
/** ... or has been dropped for longer than a day. */
const COPIED_TOO_LATE_AFTER_DAYS = RETENTION_DAYS + 3;
const COPIES_EVERY_DAYS = 5;
/** How often the process that drops days is killed at it, and how soon after it has begun. */
const KILLED_WHILE_DROPPING = 0.5;
const KILLED_WITHIN_MS = 400;
/** How often a service is killed in the midst of a day. */
const KILLED_AT_WORK = 0.4;
const VICTIMS = ['consumer-1', 'reprocessor', 'backfill'] as const;
/** Days on which somebody does something; on the first nothing has been dropped yet. */
const STATEMENT_DAY = 3;
/** A producer goes mad: every way to spoil a record. */
const HOSTILE_DAY = 18;
const HOSTILE = { malformed: 0.2 };
const REDRIVE_DAY = 20;
const BACKFILL_DAY = 25;
const REPLAY_DAY = 30;
const ORDER = ['--execute', '--reason', 'a life of forty days'];
const TEST_MS = 900_000;
const WAIT_MS = 120_000;

/** Kills a service in the midst of a day, and starts it again. */
async function killOne(life: Life, label: (typeof VICTIMS)[number]): Promise<void> {
  const service = life.fleet.one(label);
  await service.kill();
  service.start();
}

async function sendCopies(life: Life, days: readonly number[], index: number): Promise<void> {
  for (const before of [COPIED_AFTER_DAYS, COPIED_TOO_LATE_AFTER_DAYS]) {
    const dayMs = days[index - before];
    if (dayMs === undefined) continue;
    await life.produce(dayMs, { events: EVENTS_PER_DAY, seed: index - before + 1 });
  }
}

/** Lets all letters through that are of the future. */
async function redrive(life: Life): Promise<void> {
  const accepted = life.books.acceptFuture();
  expect(accepted).toBeGreaterThan(0);
  const letters = life.db
    .selectFrom('dead_letters')
    .select('letter_id')
    .where('code', '=', 'future')
    .where('state', 'in', ['pending', 'dead']);
  // A record is counted before the reprocessor has its letter.
  await waitFor(async () => (await letters.execute()).length >= accepted, {
    what: `${accepted} letters`,
    timeoutMs: WAIT_MS,
  });
  const which = ['--code', 'future', '--state', 'pending,dead', '--accept-future'];
  await life.succeed('ops', 'redrive', ...which, ...ORDER, '--wait');
}

/** Sums up anew by another rule what is still there; refuses what is not. */
async function backfill(life: Life, dayMs: number): Promise<void> {
  const rule = ['--version', '3', '--attribution-window', '3d'];
  const from = (ms: number) => ['--from', new Date(ms).toISOString()];
  const gone = from(horizonOf(dayMs) - DAY_MS);
  const refused = await life.run('backfill-runner', 'run', ...rule, ...gone, ...ORDER);
  expect(refused.code).not.toBe(0);
  const there = from(horizonOf(dayMs));
  await life.succeed('backfill-runner', 'run', ...rule, ...there, ...ORDER);
}

/** Reads everything the topic has once more: nothing of it is new. */
async function replay(life: Life): Promise<void> {
  const replayed = await life.succeed('backfill-runner', 'replay', ...ORDER, '--json');
  expect(JSON.parse(replayed)).toMatchObject({ new: 0 });
}

test(
  'forty days are counted, archived and dropped, with kills, and exact on each of them',
  async () => {
    const midnightMs = Math.floor(Date.now() / DAY_MS) * DAY_MS;
    const days = Array.from({ length: DAYS }, (_, index) => midnightMs - (DAYS - index) * DAY_MS);
    const rng = new Rng(SEED, 0);
    const life = await beginLife();
    let kills = 0;
    let statement: IssuedStatement | undefined;
    for (const [index, dayMs] of days.entries()) {
      life.begin(dayMs);
      const sending = life.produce(dayMs, {
        events: EVENTS_PER_DAY,
        seed: index + 1,
        rate: PER_SECOND,
        mix: index === HOSTILE_DAY ? HOSTILE : {},
      });
      if (rng.chance(KILLED_AT_WORK)) await killOne(life, rng.pick(VICTIMS));
      const killedAfterMs = rng.chance(KILLED_WHILE_DROPPING) ? rng.below(KILLED_WITHIN_MS) : null;
      kills += Number(await life.drop(killedAfterMs));
      await sending;
      if (index % COPIES_EVERY_DAYS === 0) await sendCopies(life, days, index);
      await life.untilCounted();
      if (index === STATEMENT_DAY) statement = await issueStatement(life, days[0] ?? 0);
      if (index === REDRIVE_DAY) await redrive(life);
      if (index === BACKFILL_DAY) await backfill(life, dayMs);
      if (index === REPLAY_DAY) await replay(life);
      await expectExact(life, dayMs);
    }
    expect(kills).toBeGreaterThan(0);
    const { rejected, duplicate } = life.books.outcomes;
    expect(rejected['expired']).toBeGreaterThan(EVENTS_PER_DAY);
    expect(duplicate).toBeGreaterThan(EVENTS_PER_DAY);
    const dropped = life.books.droppedDays(horizonOf(days.at(-1) ?? 0));
    const { days: archived } = JSON.parse(
      await life.succeed('ops', 'archive', 'list', '--json'),
    ) as { days: readonly { day: string; events: string }[] };
    expect(Object.fromEntries(archived.map(({ day, events }) => [day, Number(events)]))).toEqual(
      dropped,
    );
    await life.succeed('ops', 'archive', 'verify');
    if (statement === undefined) throw new Error('no statement was issued');
    await expectVerifiedOnceRestored(life, statement, Object.keys(dropped));
  },
  TEST_MS,
);
