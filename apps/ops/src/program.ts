import {
  CHECK_CONFIG_OPTION,
  CHECK_CONNECTIONS_OPTION,
  command,
  EXIT,
  tellConfig,
  tellConnections,
  UsageError,
  type ExplainError,
  type Program,
} from '@adtally/command-line';
import type { OpsEnvironment } from './on-database.ts';

const ops = command({
  options: { ...CHECK_CONFIG_OPTION, ...CHECK_CONNECTIONS_OPTION },
  run: async ({ options }, { readConfig, describe }: OpsEnvironment) => {
    if (options['check-config']) return tellConfig(describe(readConfig()));
    if (options['check-connections']) {
      const { connections } = await import('./connections.ts');
      return await tellConnections(connections(readConfig()));
    }
    throw new UsageError('no command is named', { showsHelp: true });
  },
});

/** Every command of the operator. Loaded one at a time: only a dry run needs the decoder. */
export const PROGRAM: Program<OpsEnvironment> = {
  name: 'ops',
  summary:
    'looks after partitions, halts, figures, conflicts, producers, dead letters and incidents',
  notes: `What changes something needs --reason TEXT, on many letters, to accept a loss
and to book money also --execute: without it a command only says what it would
do. --json prints one JSON object as the last line of standard output.
DATABASE_URL names the database, for check-producer and send KAFKA_BROKERS the
brokers; every variable: apps/ops/README.md.
Exit codes: 0 done, 1 failure, 2 wrong usage, 3 a job ended with dead or failed
letters, producers have something to mend, or an audit that balances is not
everything, 4 refused by a guard or nothing matched, 69 the server does not
answer, 78 configuration or schema.`,
  load: async () => ops,
  commands: {
    lag: {
      summary: 'every partition: how far behind, and why one stands still',
      load: async () => (await import('./commands/lag.ts')).lag,
    },
    sources: {
      summary: 'every source: cursor, known end, owner; halted ones first',
      load: async () => (await import('./commands/sources.ts')).listAllSources,
    },
    'accept-loss': {
      summary: 'end the halt of a source: what is missing is written as lost',
      load: async () => (await import('./commands/accept-loss.ts')).acceptLossOfSource,
    },
    audit: {
      summary: 'check the guarantees on the live database',
      load: async () => (await import('./commands/audit.ts')).audit,
    },
    report: {
      summary: 'figures of campaigns, with what is unmatched, invalid and waiting beside them',
      load: async () => (await import('./commands/report.ts')).report,
    },
    events: {
      summary: 'the events behind a figure, and why each counts or not',
      load: async () => (await import('./commands/events.ts')).events,
    },
    conflicts: {
      summary: 'records whose event was stored before with another payload',
      commands: {
        list: {
          summary: 'conflicts, newest first, with what differs',
          load: async () => (await import('./commands/conflicts.ts')).list,
        },
        show: {
          summary: 'one conflict field by field, and what was booked for its event',
          load: async () => (await import('./commands/conflicts.ts')).show,
        },
        adjust: {
          summary: 'book money beside the figures for its event; can be taken back',
          load: async () => (await import('./commands/adjust.ts')).adjust,
        },
        adjustments: {
          summary: 'what was booked so far',
          load: async () => (await import('./commands/conflicts.ts')).adjustments,
        },
      },
    },
    statement: {
      summary: "a campaign's month: figures from the events, and what they are true as of",
      load: async () => (await import('./commands/statement.ts')).statement,
      commands: {
        verify: {
          summary: 'compute a statement anew, and name what differs',
          load: async () => (await import('./commands/statement.ts')).verify,
        },
      },
    },
    archive: {
      summary: 'days that left the database for ARCHIVE_URL',
      commands: {
        list: {
          summary: 'every archived day, with events and money',
          load: async () => (await import('./commands/archive.ts')).list,
        },
        verify: {
          summary: 'read days in full, and name the first difference of each',
          load: async () => (await import('./commands/archive.ts')).verify,
        },
        restore: {
          summary: 'bring a day back beside the events',
          load: async () => (await import('./commands/archive.ts')).restore,
        },
        'drop-restored': {
          summary: 'take a restored day away again',
          load: async () => (await import('./commands/archive.ts')).dropRestored,
        },
      },
    },
    'check-producer': {
      summary: 'reads a sample of any topic: what would be rejected, misrouted, and how to mend it',
      load: async () => (await import('./commands/check-producer.ts')).checkProducer,
    },
    send: {
      summary:
        'put events on the topic that is counted, checked, keyed and placed as they should be',
      load: async () => (await import('./commands/send.ts')).send,
    },
    producers: {
      summary: 'who sends misrouted, conflicting and rejected records, as far as these say',
      load: async () => (await import('./commands/producers.ts')).producers,
    },
    topics: {
      summary: 'by which rules the records of each topic are read',
      load: async () => (await import('./commands/topics.ts')).topics,
      commands: {
        set: {
          summary: 'change them; records not counted yet are read by the new ones',
          load: async () => (await import('./commands/topics.ts')).set,
        },
      },
    },
    'dead-letters': {
      summary: 'look at what failed',
      commands: {
        list: {
          summary: 'letters, newest first; pending and dead ones unless --state',
          load: async () => (await import('./commands/list.ts')).list,
        },
        show: {
          summary: 'everything of one letter, bytes masked',
          load: async () => (await import('./commands/show.ts')).show,
        },
        stats: {
          summary: 'counts by state and by cause',
          load: async () => (await import('./commands/stats.ts')).stats,
        },
      },
    },
    redrive: {
      summary: 'try letters again; dead ones unless --state pending',
      load: async () => (await import('./commands/redrive.ts')).redrive,
      commands: {
        jobs: {
          summary: 'the jobs, newest first',
          load: async () => (await import('./commands/jobs.ts')).jobs,
        },
        status: {
          summary: 'how one job stands',
          load: async () => (await import('./commands/jobs.ts')).status,
        },
        receipts: {
          summary: 'what became of each letter of a job',
          load: async () => (await import('./commands/receipts.ts')).receipts,
        },
        pause: {
          summary: 'hold the letters whose turn has not come',
          load: async () => (await import('./commands/job-order.ts')).jobOrder('pause'),
        },
        resume: {
          summary: 'let them go on',
          load: async () => (await import('./commands/job-order.ts')).jobOrder('resume'),
        },
        cancel: {
          summary: 'leave them as they are, for good',
          load: async () => (await import('./commands/job-order.ts')).jobOrder('cancel'),
        },
      },
    },
    discard: {
      summary: 'never try these letters again; can be undone',
      load: async () => (await import('./commands/move.ts')).discard,
    },
    restore: {
      summary: 'undo discards: letters get the state they had',
      load: async () => (await import('./commands/move.ts')).restore,
    },
    incidents: {
      summary: 'what people were told of',
      commands: {
        list: {
          summary: 'incidents, newest first',
          load: async () => (await import('./commands/incidents.ts')).list,
        },
        show: {
          summary: 'one incident, its figures and notifications',
          load: async () => (await import('./commands/incidents.ts')).show,
        },
        ack: {
          summary: 'take an incident: updates and reminders stop',
          load: async () => (await import('./commands/incidents.ts')).ack,
        },
      },
    },
  },
};

const LOCK_NOT_AVAILABLE = '55P03';

/** Orders wait for one another, but not for ever. */
export const explain: ExplainError = (error) => {
  if ((error as { code?: unknown } | null)?.code !== LOCK_NOT_AVAILABLE) return undefined;
  const message =
    'another order, or a commit that hangs, holds what this one needs; nothing was changed, try again';
  return { message, exitCode: EXIT.failure };
};
