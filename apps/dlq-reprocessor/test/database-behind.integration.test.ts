import { migrate } from '@adtally/db';
import { garbage, InProcessIngest, shown, type Message } from '@adtally/pipeline/testing';
import { hasPostgresServer, testPostgres } from '@adtally/testkit';
import { sql } from 'kysely';
import { expect, onTestFinished, test } from 'vitest';
import { stage, type Stage } from './support/stage.ts';

/** As the database of a moment decides: letters the database refuses, and one nobody can read. */
async function takeRefused(the: Stage, ingest: InProcessIngest, messages: Message[]) {
  await sql`ALTER TABLE events ADD CONSTRAINT refuses CHECK (campaign_id <> 'poison') NOT VALID`.execute(
    the.db,
  );
  await ingest.take(messages);
  await sql`ALTER TABLE events DROP CONSTRAINT refuses`.execute(the.db);
}

test.runIf(hasPostgresServer())(
  'I6: a database that went back under a running reprocessor: every letter is copied, tried and buried again, and counts once',
  async () => {
    const server = await testPostgres();
    await migrate(server.url);
    const the = await stage({ databaseUrl: server.url });
    onTestFinished(() => server.close());
    const reprocessor = the.start({ MAX_ATTEMPTS: '2' });
    await takeRefused(the, the.ingest, [shown(1, 'poison'), garbage('first')]);
    await the.untilStates({ resolved: 1, dead: 1 }, reprocessor);
    const goBack = await server.keepCopy('backup');
    const since = [shown(2, 'poison'), shown(3, 'poison'), garbage('second'), shown(4)];
    await takeRefused(the, the.ingest, since);
    await the.untilStates({ resolved: 3, dead: 2 }, reprocessor);

    await goBack();
    expect(await the.states()).toEqual({ resolved: 1, dead: 1 });
    // The copies of what is not rejected any more lie on the DLQ topic, and are nobody's as yet.
    await the.untilStates({ resolved: 1, dead: 1, unconfirmed: 3 }, reprocessor);
    const lost = await reprocessor.logged('the database is behind: claimed again');
    expect(lost).toMatchObject({ reason: 'database_behind' });

    // The consumer reads the same records again, and rejects them again.
    const again = await InProcessIngest.open(the.db, {
      databaseUrl: server.url,
      topic: the.ingest.topic,
      dlqTopic: the.dlq,
      producer: the.producer,
    });
    onTestFinished(() => again.close());
    await takeRefused(the, again, since);
    await the.untilStates({ resolved: 3, dead: 2 }, reprocessor);
    await reprocessor.untilMetric('adtally_letters_copied_total', 3, 'outcome="copy"');
    const { rows } = await sql<{ events: number; most: number }>`
      SELECT (SELECT count(*)::int FROM events) AS events,
             (SELECT max(attempts)::int FROM dead_letters) AS most`.execute(the.db);
    expect(rows).toEqual([{ events: 4, most: 2 }]);
    // Buried twice is the same letter and series.
    const buried = (await the.deadRecords()).map(({ value }) => String(value));
    expect(buried.toSorted()).toEqual(['first', 'second', 'second']);
    await the.expectBalanced();
    expect((await reprocessor.stop()).code).toBe(0);
  },
);
