import {
  CHECK_CONFIG_OPTION,
  CHECK_CONNECTIONS_OPTION,
  command,
  flag,
  tellConfig,
  tellConnections,
  UsageError,
  type Program,
} from '@adtally/command-line';
import type { RunnerEnvironment } from './context.ts';

const runner = command({
  options: {
    watch: flag('keep the rollups up to date and drop old days until drained: the service'),
    ...CHECK_CONFIG_OPTION,
    ...CHECK_CONNECTIONS_OPTION,
  },
  run: async ({ options }, { readConfig, describe }: RunnerEnvironment) => {
    const isCheck = options['check-config'] || options['check-connections'];
    if (!options.watch && !isCheck) {
      throw new UsageError('name a command, or --watch', { showsHelp: true });
    }
    const config = await readConfig();
    if (options['check-config']) return tellConfig(await describe(config));
    if (options['check-connections']) {
      const { connections } = await import('./connections.ts');
      return await tellConnections(connections(config));
    }
    const { untilDrained } = await import('@adtally/service');
    const { watch } = await import('./watch.ts');
    return await untilDrained(() => watch(config));
  },
});

/** The service and every command. Loaded one at a time: only a replay needs the Kafka client. */
export const PROGRAM: Program<RunnerEnvironment> = {
  name: 'backfill-runner',
  summary:
    'keeps the rollups and the days of events, computes ranges anew, reads ranges of events again',
  notes: `What acts needs --execute and --reason TEXT: without --execute a command only says what it would do.
Configured by environment variables; all of them: apps/backfill-runner/README.md.
Exit codes of commands: 0 done, 1 failure, 2 wrong usage, 3 cancelled, 4 refused (nothing changed),
69 a server does not answer, 75 interrupted (resume it), 78 configuration or schema.`,
  load: async () => runner,
  commands: {
    plan: {
      summary: 'what run with the same options would do; changes nothing',
      load: async () => (await import('./commands/run.ts')).plan,
    },
    run: {
      summary: 'compute the rollups of a range anew',
      load: async () => (await import('./commands/run.ts')).run,
    },
    resume: {
      summary: 'go on with a backfill that was paused, interrupted or killed',
      load: async () => (await import('./commands/run.ts')).resume,
    },
    pause: {
      summary: 'hold a backfill; its process obeys before its next base',
      load: async () => (await import('./commands/control.ts')).ordering('pause'),
    },
    cancel: {
      summary: 'end a backfill where it is',
      load: async () => (await import('./commands/control.ts')).ordering('cancel'),
    },
    replay: {
      summary: 'read a range of the events topic again',
      load: async () => (await import('./commands/replay.ts')).replay,
      commands: {
        resume: {
          summary:
            'go on with a replay that was paused, interrupted or killed, or take a share of it',
          load: async () => (await import('./commands/replay.ts')).resumeReplay,
        },
        pause: {
          summary: 'hold a replay; its processes obey before their next batches',
          load: async () => (await import('./commands/replay.ts')).orderingReplay('pause'),
        },
        cancel: {
          summary: 'end a replay where it is',
          load: async () => (await import('./commands/replay.ts')).orderingReplay('cancel'),
        },
      },
    },
    status: {
      summary: 'versions, freshness, the latest backfills and replays',
      load: async () => (await import('./commands/control.ts')).status,
    },
    'drop-days': {
      summary: 'drop the days that EVENTS_RETENTION_DAYS does not keep',
      load: async () => (await import('./commands/drop-days.ts')).dropDaysOnce,
    },
    'drop-timeless': {
      summary:
        'let events leave whose ids are no UUIDv7 and that TIMELESS_RETENTION_DAYS does not keep',
      load: async () => (await import('./commands/drop-timeless.ts')).dropTimeless,
    },
    promote: {
      summary: 'show a version to readers',
      load: async () => (await import('./commands/versions.ts')).promoteVersion,
    },
    rollback: {
      summary: 'show the version before again',
      load: async () => (await import('./commands/versions.ts')).rollbackVersion,
    },
    compare: {
      summary: 'where two versions differ, by campaign',
      load: async () => (await import('./commands/versions.ts')).compare,
    },
  },
};
