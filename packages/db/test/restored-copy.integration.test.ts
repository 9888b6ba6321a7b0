import { hasPostgresServer, testPostgres } from '@adtally/testkit';
import { expect, test } from 'vitest';
import {
  claimSource,
  CopyEncoder,
  migrate,
  openDatabase,
  registerTopic,
  SourceGone,
  writeBatch,
} from '../src/index.ts';
import { asConsumer, batchOf, rangeOf } from '../testing/batches.ts';
import { openSession } from '../testing/writer-session.ts';

const topicNamed = (topic: string) => ({
  kind: 'events' as const,
  topic,
  topicId: `id of ${topic}`,
  partitions: 1,
  genesis: () => 0n,
});

test.runIf(hasPostgresServer())(
  'I3: a writer of a time that is gone commits nothing for the claims made since, whatever they share with its own',
  async () => {
    await using server = await testPostgres();
    await migrate(server.url);
    const claimFirst = async (topic: string) => {
      const db = openDatabase(server.url, { applicationName: 'test' });
      const [source] = await registerTopic(db, topicNamed(topic));
      await db.destroy();
      const session = await openSession(server.url);
      const claim = await claimSource(session, source?.sourceId ?? -1, topic);
      return { session, claim };
    };
    const goBack = await server.keepCopy('backup');
    const gone = await claimFirst('first');
    gone.session.destroy();
    await goBack();
    const claimGone = async () => {
      const session = await openSession(server.url);
      const of = { partition: 0, topicId: topicNamed('first').topicId };
      try {
        return await claimSource(session, gone.claim.sourceId, 'late', { of });
      } finally {
        await session.close();
      }
    };
    await expect(claimGone()).rejects.toBeInstanceOf(SourceGone);
    // The copy knows no source and gives the same id to another topic.
    const { session, claim } = await claimFirst('second');
    expect(claim).toMatchObject({ sourceId: gone.claim.sourceId, nextOffset: 0 });

    await expect(claimGone()).rejects.toBeInstanceOf(SourceGone);
    const stale = await openSession(server.url);
    const { sourceId } = claim;
    const write = (writer: typeof session, epoch: number) =>
      writeBatch(
        writer,
        new CopyEncoder(),
        batchOf([{ offset: 0, sourceId }]),
        [rangeOf({ sourceId, epoch, first: 0, end: 1 })],
        asConsumer(),
      );
    await expect(write(stale, gone.claim.epoch)).rejects.toMatchObject({
      failure: { kind: 'fenced', sourceIds: [sourceId] },
    });
    expect(await write(session, claim.epoch)).toMatchObject([{ stored: 1 }]);
    await Promise.all([stale.close(), session.close()]);
  },
);
