import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { garbage, shown } from '@adtally/pipeline/testing';
import { stage, type Stage } from './support/stage.ts';

const LETTERS = 40;

/** Letters the database takes on their second try at the earliest, and some it never takes. */
async function letters(the: Stage): Promise<void> {
  await sql`ALTER TABLE events ADD CONSTRAINT no_poison CHECK (campaign_id <> 'poison')`.execute(
    the.db,
  );
  const refused = Array.from({ length: LETTERS }, (_, n) => shown(100 + n, 'poison'));
  await the.ingest.take([shown(1), ...refused, garbage('never')]);
  await sql`ALTER TABLE events DROP CONSTRAINT no_poison`.execute(the.db);
}

async function figures(the: Stage) {
  const { rows } = await sql<Record<'events' | 'keys' | 'most' | 'open', number>>`
    SELECT (SELECT count(*)::int FROM events) AS events,
           (SELECT count(DISTINCT event_key)::int FROM events) AS keys,
           (SELECT max(attempts)::int FROM dead_letters) AS most,
           (SELECT count(*)::int FROM dead_letter_attempts WHERE finished_at IS NULL) AS open`.execute(
    the.db,
  );
  return rows[0];
}

test.each([
  ['before the lease is committed', 'lease-letters', 'before'],
  ['after the lease, before the write', 'insert-events', 'before'],
  ['before the commit', 'commit_batch', 'before'],
  ['after the commit, before its answer', 'commit_batch', 'after'],
  ['after the dead topic has the letter, before that is noted', 'mark-dead', 'before'],
  ['after that is noted, before the answer', 'mark-dead', 'after'],
] as const)(
  'I6: killed %s: no event lost or doubled, no try too many',
  async (_when, statement, side) => {
    const the = await stage();
    await letters(the);
    const victim = the.start({ ...the.proxied, MAX_ATTEMPTS: '4' });
    let kills = 0;
    let settled = false;
    the.proxy.onClientData((chunk) => {
      // Copying commits too; the commit of a retry is the one after its tries are settled.
      settled ||= chunk.includes('settle-tries');
      // A prepared statement's name stands in every Bind; commit_batch is sent as text.
      if (kills > 0 || !chunk.includes(statement)) return 'forward';
      if (statement === 'commit_batch' && !settled) return 'forward';
      kills += 1;
      victim.signal('SIGKILL');
      return side === 'before' ? 'cut' : 'forward';
    });
    expect((await victim.ended).killedBy).toBe('SIGKILL');
    expect(kills).toBe(1);
    const heir = the.startElsewhere({ MAX_ATTEMPTS: '4' });
    await the.untilStates({ resolved: LETTERS, dead: 1 }, heir);
    expect(await figures(the)).toMatchObject({
      events: LETTERS + 1,
      keys: LETTERS + 1,
      most: expect.toSatisfy((most: number) => most <= 4),
      open: 0,
    });
    // A second copy on the dead topic is the same letter and series: it counts once.
    const dead = await the.deadRecords();
    expect(dead.length).toBeGreaterThanOrEqual(1);
    expect(new Set(dead.map(({ value }) => String(value)))).toEqual(new Set(['never']));
    await the.expectBalanced();
  },
);

test('I6: a letter that kills every process that tries it ends dead, and takes no other along', async () => {
  const the = await stage();
  await letters(the);
  let deaths = 0;
  for (;;) {
    const process = the.startElsewhere({
      ...the.proxied,
      MAX_ATTEMPTS: '3',
      RETRY_BATCH_MAX: '100',
    });
    // Whoever is about to write the events of a batch with letter 120 in it dies.
    const poison = shown(120).key as Buffer;
    const bytes = Buffer.from(String(poison).replaceAll('-', ''), 'hex');
    let isKilled = false;
    the.proxy.onClientData((chunk) => {
      if (!isKilled && chunk.includes('insert-events') && chunk.includes(bytes)) {
        isKilled = true;
        process.signal('SIGKILL');
        return 'cut';
      }
      return 'forward';
    });
    const over = await Promise.race([
      process.ended.then(() => 'killed'),
      the.untilStates({ resolved: LETTERS - 1, dead: 2 }).then(() => 'done'),
    ]);
    if (over === 'done') break;
    deaths += 1;
    expect(deaths).toBeLessThanOrEqual(3);
  }
  expect(deaths).toBe(3);
  const { rows } = await sql<{ attempts: number; outcomes: string }>`
    SELECT l.attempts, string_agg(a.outcome, ',' ORDER BY a.attempt) AS outcomes
    FROM dead_letters l JOIN dead_letter_attempts a USING (letter_id)
    WHERE l.state = 'dead' AND l.code = 'data_refused' GROUP BY l.letter_id`.execute(the.db);
  expect(rows).toEqual([{ attempts: 3, outcomes: 'lapsed,lapsed,lapsed' }]);
  const most = await sql<{ most: number }>`
    SELECT max(attempts)::int AS most FROM dead_letters WHERE state = 'resolved'`.execute(the.db);
  expect(most.rows[0]?.most).toBeLessThanOrEqual(2);
  await the.expectBalanced();
});

test('I6: two reprocessors at once, one killed: every letter ends once', async () => {
  const the = await stage({ dlqPartitions: 4 });
  await sql`ALTER TABLE events ADD CONSTRAINT no_poison CHECK (campaign_id <> 'poison')`.execute(
    the.db,
  );
  await the.ingest.take(Array.from({ length: 300 }, (_, n) => shown(100 + n, 'poison')));
  const env = { MAX_ATTEMPTS: '40', RETRY_BATCH_MAX: '20', RETRIES_PER_SECOND: '200' };
  const [one, two] = [the.start(env), the.start(env)];
  await the.untilStates({ pending: 300 }, one);
  for (const process of [one, two]) {
    await process.untilMetric('adtally_retries_total', (tries) => tries > 0, 'failed');
  }
  await sql`ALTER TABLE events DROP CONSTRAINT no_poison`.execute(the.db);
  await one.until('letters resolved', async () => ((await the.states())['resolved'] ?? 0) > 20);
  await two.kill();
  await the.untilStates({ resolved: 300 }, one);
  expect(await figures(the)).toMatchObject({ events: 300, keys: 300, open: 0 });
  await the.expectBalanced();
});

test('I13: PostgreSQL gone for a while: letters wait, no try is spent on it, then they are stored', async () => {
  const the = await stage();
  await letters(the);
  const process = the.start({ ...the.proxied, MAX_ATTEMPTS: '2' });
  let cuts = 0;
  the.proxy.onClientData((chunk) => {
    if (!chunk.includes('settle-tries')) return 'forward';
    cuts += 1;
    return cuts <= 6 ? 'cut' : 'forward';
  });
  await the.untilStates({ resolved: LETTERS, dead: 1 }, process);
  expect(cuts).toBeGreaterThanOrEqual(7);
  expect(await figures(the)).toMatchObject({ events: LETTERS + 1, keys: LETTERS + 1, open: 0 });
  const { rows } = await sql<{ most: number }>`
    SELECT max(attempts)::int AS most FROM dead_letters WHERE state = 'resolved'`.execute(the.db);
  expect(rows).toEqual([{ most: 1 }]);
  await the.expectBalanced();
});
