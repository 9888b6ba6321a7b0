import { wholeAudit } from '@adtally/analytics';
import { shown } from '@adtally/pipeline/testing';
import { ServiceProcess } from '@adtally/testkit';
import type { Stage, World } from '../world.ts';
import { patiently } from '../patiently.ts';
import { ingestedWorld } from './ingested.ts';
import { compared } from './world-database.ts';

const EVENTS = 20;
const WHY = ['--execute', '--reason', 'crash series', '--json'];

type Ingested = Awaited<ReturnType<typeof ingestedWorld>>;

/** Events whose impressions are months old: all that come behind the first are late. */
function books({ ingest, database }: Ingested) {
  let events = 0;
  return {
    count: () => events,
    async take() {
      await ingest.take(Array.from({ length: EVENTS }, (_, n) => shown(events + n)));
      events += EVENTS;
    },
    /** Of each version there is. */
    summed: () =>
      database.rows<{ version: number; n: number }>(
        `SELECT version, sum(impressions)::float8 AS n FROM rollup_by_creative GROUP BY version`,
      ),
  };
}

/** The rollups as the audit sums them up anew, in full. */
async function wrongRollups({ database }: Ingested): Promise<string[]> {
  const { checks } = await wholeAudit(database.db, { rollups: { full: true } });
  return checks.filter(({ ok }) => !ok).map((check) => JSON.stringify(check));
}

/** backfill-runner --watch on events and on what comes late. */
export const watchStage: Stage = {
  name: 'backfill-runner keeps rollups',
  protocol: 'backfill',
  app: 'backfill-runner',
  open: async (build) => {
    const world = await ingestedWorld();
    const { database } = world;
    const own = books(world);
    const isSettled = async () => {
      const notes = await database.number('SELECT count(*) FROM late_notes');
      const versions = await own.summed();
      return notes === 0 && versions.length > 0 && versions.every(({ n }) => n === own.count());
    };
    return {
      feed: () => own.take(),
      start: async (env) =>
        database.started(
          new ServiceProcess(
            build.main('backfill-runner'),
            { ...world.env, ROLLUP_SETTLE_MS: '0', ROLLUP_TURN_MS: '50ms', ...env },
            { argv: ['--watch'] },
          ),
        ),
      settled: async (by) => await patiently(by, 'all events summed up', isSettled),
      end: (process) => process.stop(),
      unbalanced: () => wrongRollups(world),
      differences: async () => {
        const versions = await own.summed();
        return versions.flatMap(({ version, n }) =>
          compared({ [`version ${version}`]: n }, { [`version ${version}`]: own.count() }),
        );
      },
      close: () => world.close(),
    };
  },
};

/** A job of backfill-runner: the one that was interrupted goes on, where a frozen process has it another is made. */
export async function jobWorld(
  build: Parameters<Stage['open']>[0],
  world: Ingested,
  parts: {
    readonly feed: () => Promise<void>;
    readonly fresh: readonly string[];
    readonly resume: (run: number) => readonly string[];
    readonly unfinished: () => Promise<number>;
    readonly env?: Readonly<Record<string, string>>;
    readonly differences: () => Promise<string[]>;
  },
): Promise<World> {
  const { database } = world;
  return {
    feed: parts.feed,
    start: async (env) => {
      const run = database.isInUse ? 0 : await parts.unfinished();
      const argv = run === 0 ? parts.fresh : parts.resume(run);
      const settings = { ...world.env, ...parts.env, ...env };
      return database.started(
        new ServiceProcess(build.main('backfill-runner'), settings, { argv: [...argv, ...WHY] }),
      );
    },
    settled: async (by) => {
      const { code, stderr } = await by.ended;
      if (code !== 0) throw new Error(`the job ended with code ${code}: ${stderr}`);
    },
    end: (process) => process.ended,
    unbalanced: () => wrongRollups(world),
    differences: parts.differences,
    close: () => world.close(),
  };
}

/** backfill-runner run: all of it summed up anew. */
export const backfillStage: Stage = {
  name: 'backfill-runner backfills',
  protocol: 'backfill',
  app: 'backfill-runner',
  open: async (build) => {
    const world = await ingestedWorld();
    const own = books(world);
    const { database } = world;
    await own.take();
    await database.rows(
      'UPDATE write_guards SET frontier_ms = (extract(epoch FROM now()) * 1000)::bigint - 120000',
    );
    return await jobWorld(build, world, {
      feed: async () => undefined,
      fresh: ['run', '--version', '3'],
      resume: (run) => ['resume', String(run)],
      unfinished: () =>
        database.number(`SELECT max(run_id) FROM backfill_runs WHERE ended_at IS NULL`),
      differences: async () => {
        const versions = await own.summed();
        const third = versions.find(({ version }) => version === 3);
        return compared({ 'version 3': third?.n }, { 'version 3': own.count() });
      },
    });
  },
};
