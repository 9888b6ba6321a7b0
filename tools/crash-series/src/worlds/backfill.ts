import { wholeAudit } from '@adtally/analytics';
import { shown } from '@adtally/pipeline/testing';
import { ServiceProcess } from '@adtally/testkit';
import { inOrder } from '../in-order.ts';
import type { Stage, World } from '../world.ts';
import { patiently } from '../patiently.ts';
import { armed } from '../target.ts';
import { ingestedWorld } from './ingested.ts';
import { compared } from './world-database.ts';

const EVENTS = 20;
/** Batches of a feed, each a row of the ledger. */
const BATCHES = 2;
/** All batches but the newest were long ago, in one hour. */
const AGE_LEDGER = `UPDATE ledger SET committed_at = '2026-01-31T12:00:00Z' WHERE first_offset IS NOT NULL`;
const WHY = ['--execute', '--reason', 'crash series', '--json'];

type Ingested = Awaited<ReturnType<typeof ingestedWorld>>;

/** Events whose impressions are months old: all that come behind the first are late. */
function books({ ingest, database }: Ingested) {
  let events = 0;
  return {
    count: () => events,
    async take() {
      for (let batch = 0; batch < BATCHES; batch += 1) {
        await ingest.take(Array.from({ length: EVENTS / BATCHES }, (_, n) => shown(events + n)));
        events += EVENTS / BATCHES;
      }
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

/** backfill-runner --watch on events, on what comes late, and on a ledger of long ago. */
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
      const isSummed = versions.length > 0 && versions.every(({ n }) => n === own.count());
      // What is folded into one, and the newest, which is never touched.
      const batches = await database.number(
        'SELECT count(*) FROM ledger WHERE first_offset IS NOT NULL',
      );
      return notes === 0 && isSummed && batches <= 2;
    };
    return {
      feed: async () => {
        await own.take();
        await database.rows(AGE_LEDGER);
      },
      start: async (env) =>
        database.started(
          new ServiceProcess(
            build.main('backfill-runner'),
            { ...world.env, ROLLUP_SETTLE_MS: '0', ROLLUP_TURN_MS: '50ms', ...env },
            { argv: ['--watch'] },
          ),
        ),
      settled: async (by) => await patiently(by, 'all events summed up', isSettled),
      end: inOrder,
      takeAway: () => database.endSessions(),
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

/** What a job works on, and how it is ordered. */
export interface JobParts {
  readonly feed: () => Promise<void>;
  readonly fresh: readonly string[];
  readonly resume: (run: number) => readonly string[];
  readonly unfinished: () => Promise<number>;
  /** After this place each job is killed that is begun anew: so the processes of the stage go on with it. */
  readonly diesAfter?: string;
  readonly env?: () => Readonly<Record<string, string>>;
  readonly differences: () => Promise<string[]>;
  readonly close?: () => Promise<void>;
}

/** A job of backfill-runner: the one that was interrupted, or whose process is frozen, goes on. */
export async function jobWorld(
  build: Parameters<Stage['open']>[0],
  world: Ingested,
  parts: JobParts,
): Promise<World> {
  const { database } = world;
  const started = (argv: readonly string[], env: Readonly<Record<string, string>>) =>
    database.started(
      new ServiceProcess(
        build.main('backfill-runner'),
        { ...world.env, ...parts.env?.(), ...env },
        { argv: [...argv, ...WHY] },
      ),
    );
  return {
    feed: async () => {
      await parts.feed();
      const { diesAfter: name } = parts;
      if (name === undefined || database.isInUse || (await parts.unfinished()) > 0) return;
      await started(parts.fresh, armed({ name, side: 'after' }, 'SIGKILL')).ended;
      if ((await parts.unfinished()) === 0) throw new Error('no job was begun');
    },
    start: async (env) => {
      const run = await parts.unfinished();
      return started(run === 0 ? parts.fresh : parts.resume(run), env);
    },
    settled: async (by) => {
      const { code, stderr } = await by.ended;
      if (code !== 0) throw new Error(`the job ended with code ${code}: ${stderr}`);
    },
    end: (process) => process.ended,
    takeAway: () => database.endSessions(),
    mayZombieFail: true,
    unbalanced: () => wrongRollups(world),
    differences: parts.differences,
    close: parts.close ?? (() => world.close()),
  };
}

/** backfill-runner run: all of it summed up anew. */
export const backfillStage = backfills({ name: 'backfill-runner backfills' });

/** backfill-runner resume. */
export const resumedStage = backfills({
  name: 'backfill-runner goes on with a backfill',
  diesAfter: 'backfill-runner/commands/run run > startBackfill',
});

function backfills({ name, ...parts }: { name: string } & Pick<JobParts, 'diesAfter'>): Stage {
  return {
    name,
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
        ...parts,
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
}
