import { sql } from 'kysely';
import { expect, onTestFinished, test } from 'vitest';
import { claimSource, SourceGone } from '../src/claims.ts';
import type { DatabaseExecutor } from '../src/database.ts';
import { registerTopic } from '../src/register-topic.ts';
import { acceptLoss, listSources, noteKnownEnds } from '../src/sources.ts';
import { migratedDatabase } from '../testing/migrated-database.ts';
import { openSession } from '../testing/writer-session.ts';

const CURSOR = 100n;
const END = 500n;
const topic = {
  kind: 'events',
  topic: 'ad-events',
  topicId: 'id',
  partitions: 1,
  genesis: () => CURSOR,
} as const;
const signed = { actor: 'ops', reason: 'the disk is gone' };

async function haltedAs(code: string, resumeAt: bigint | null) {
  const database = await migratedDatabase();
  onTestFinished(() => database[Symbol.asyncDispose]());
  const { db, url } = database;
  const [source] = await registerTopic(db, topic);
  const sourceId = source?.sourceId ?? 0;
  await halt(db, sourceId, code, resumeAt);
  return { db, url, sourceId };
}

async function halt(db: DatabaseExecutor, sourceId: number, code: string, resumeAt: bigint | null) {
  await sql`UPDATE cursors SET halted_code = ${code}, halted_detail = 'a test', halted_at = now(),
    halted_resume_at = ${resumeAt} WHERE source_id = ${sourceId}`.execute(db);
}

test('I9: where nobody knows the end of what cannot be read, the loss is that of an operator who names it', async () => {
  const { db, sourceId } = await haltedAs('unreadable', null);
  const refused = async (resumeAt?: bigint) =>
    await acceptLoss(db, { sourceId, ...signed, ...(resumeAt !== undefined && { resumeAt }) });
  // Nothing is known of the log's end either.
  expect(await refused()).toMatchObject({ outcome: 'refused' });
  expect(await refused(200n)).toMatchObject({ outcome: 'refused' });
  await noteKnownEnds(db, new Map([[sourceId, END]]));
  expect(await refused()).toMatchObject({
    outcome: 'refused',
    detail: expect.stringContaining('where it can be read again is not known'),
  });
  for (const outside of [CURSOR - 1n, END + 1n]) {
    expect(await refused(outside)).toMatchObject({
      outcome: 'refused',
      detail: expect.stringContaining(`${CURSOR} to ${END}`),
    });
  }
  expect((await listSources(db))[0]).toMatchObject({
    haltedCode: 'unreadable',
    nextOffset: CURSOR,
  });
  expect(await acceptLoss(db, { sourceId, ...signed, resumeAt: 130n })).toEqual({
    outcome: 'accepted',
    lost: 30n,
    nextOffset: 130n,
    closed: false,
    successor: null,
  });
  const lost = await db.selectFrom('ledger').selectAll().where('lost', '>', 0n).execute();
  expect(lost).toMatchObject([{ first_offset: CURSOR, end_offset: 130n, lost: 30n }]);
  const actions = await db.selectFrom('operator_actions').selectAll().execute();
  expect(actions).toMatchObject([
    {
      ...signed,
      action: 'accept-loss',
      source_id: sourceId,
      detail: { code: 'unreadable', first_offset: 100, end_offset: 130, resume_at: 130 },
    },
  ]);
});

test('I9: named at the cursor nothing is lost and the place is read again, as after a disk was mended', async () => {
  const { db, sourceId } = await haltedAs('unreadable', 120n);
  await noteKnownEnds(db, new Map([[sourceId, END]]));
  const again = await acceptLoss(db, { sourceId, ...signed, resumeAt: CURSOR });
  expect(again).toMatchObject({ outcome: 'accepted', lost: 0n, nextOffset: CURSOR });
  // Another than the halt names, here further on: it is the operator's word that counts.
  await halt(db, sourceId, 'unreadable', 120n);
  const further = await acceptLoss(db, { sourceId, ...signed, resumeAt: END });
  expect(further).toMatchObject({ outcome: 'accepted', lost: END - CURSOR, nextOffset: END });
});

test('I9: a hole that a batch with a wrong offset leaves is not accepted past the end of the log', async () => {
  const { db, sourceId } = await haltedAs('hole', 1_048_636n);
  await sql`INSERT INTO partition_lag (kind, topic, partition, source_id, end_offset, state)
    VALUES ('events', 'ad-events', 0, ${sourceId}, ${END}, 'halted')`.execute(db);
  expect(await acceptLoss(db, { sourceId, ...signed })).toMatchObject({
    outcome: 'refused',
    detail: expect.stringContaining(`past the end of its log (${END})`),
  });
  const named = await acceptLoss(db, { sourceId, ...signed, resumeAt: 120n });
  expect(named).toMatchObject({ outcome: 'accepted', lost: 20n });
});

test('I9: no offset can be named of a topic that was made anew, or of a log that departed', async () => {
  for (const code of ['topic_recreated', 'log_diverged']) {
    const { db, sourceId } = await haltedAs(code, 60n);
    await noteKnownEnds(db, new Map([[sourceId, END]]));
    expect(await acceptLoss(db, { sourceId, ...signed, resumeAt: 130n })).toMatchObject({
      outcome: 'refused',
      detail: expect.stringContaining(code),
    });
  }
});

test('a source that an operator closes while its claim is prepared is claimed by nobody', async () => {
  const { db, url, sourceId } = await haltedAs('log_diverged', 60n);
  const session = await openSession(url);
  onTestFinished(() => session.close());
  let claiming: Promise<unknown> | undefined;
  await db.transaction().execute(async (trx) => {
    await acceptLoss(trx, { sourceId, ...signed });
    const of = { partition: 0, topicId: 'id' };
    // Waits for the row; what it finds then is not halted any more.
    claiming = claimSource(session, sourceId, 'a member', { waitMs: 10_000, of }).catch(
      (error: unknown) => error,
    );
    await new Promise((resolve) => setTimeout(resolve, 300));
  });
  expect(await claiming).toBeInstanceOf(SourceGone);
  expect((await registerTopic(db, topic))[0]).toMatchObject({ state: 'ready', nextOffset: 60 });
});
