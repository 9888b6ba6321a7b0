import { garbage, shown } from '@adtally/pipeline/testing';
import { produceRecords } from '@adtally/testkit';
import type { Stage } from '../world.ts';
import { jobWorld, type JobParts } from './backfill.ts';
import { ingestedWorld } from './ingested.ts';
import { compared } from './world-database.ts';

const EVENTS = 40;

/** backfill-runner replay on a range that was written off: it stores what is in there. */
export const replayStage = replays({ name: 'backfill-runner replays' });

/** backfill-runner replay resume. */
export const resumedReplayStage = replays({
  name: 'backfill-runner goes on with a replay',
  diesAfter: 'backfill-runner/commands/replay start > createReplay',
});

function replays({ name, ...parts }: { name: string } & Pick<JobParts, 'diesAfter'>): Stage {
  return {
    name,
    protocol: 'replay',
    app: 'backfill-runner',
    open: async (build) => {
      const world = await ingestedWorld();
      const { database, ingest } = world;
      let events = 0;
      const unfinished = () =>
        database.number('SELECT max(run_id) FROM replay_runs WHERE ended_at IS NULL');
      const stored = () => database.number('SELECT count(*) FROM events');
      return await jobWorld(build, world, {
        ...parts,
        feed: async () => {
          if (database.isInUse || (await stored()) < events) return;
          const fresh = Array.from({ length: EVENTS }, (_, n) => shown(events + n));
          const records = [...fresh, shown(events), garbage()];
          await produceRecords(
            world.topic,
            records.map(({ key, value }) => ({ partition: 0, key: key as Buffer, value })),
          );
          await ingest.lose(database.db, records.length);
          events += EVENTS;
        },
        fresh: ['replay'],
        resume: (run) => ['replay', 'resume', String(run)],
        unfinished,
        env: () => ({ BATCH_MAX_EVENTS: '10' }),
        differences: async () => {
          const found = {
            events: await stored(),
            keys: await database.number('SELECT count(DISTINCT event_key) FROM events'),
            'runs left open': await unfinished(),
          };
          return compared(found, { events, keys: events, 'runs left open': 0 });
        },
      });
    },
  };
}
