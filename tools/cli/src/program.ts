import { LINE_SUMMARIES, type LineName } from '@adtally/bench/names';
import type { CommandTree, Program } from '@adtally/command-line';

const LINE_COMMANDS: CommandTree<void> = Object.fromEntries(
  Object.entries(LINE_SUMMARIES).map(([name, summary]) => [
    name,
    {
      summary,
      load: async () => (await import('./commands/bench/lines.ts')).lineCommand(name as LineName),
    },
  ]),
);

/** Every command of `./dev`. Each is loaded when it is asked for: `status` need not wait for the Kafka client. */
export const PROGRAM: Program<void> = {
  name: './dev',
  summary: 'Adtally counts every ad event exactly once, from Kafka into PostgreSQL, and proves it',
  notes: `Servers named by KAFKA_BROKERS, DATABASE_URL and REDIS_URL are used as they are; the others are
started locally. --json prints one object as the last line of standard output; everything that is
no result goes to standard error.
Exit codes: 0 success, 1 failure, 2 wrong usage, 3 incomplete, 4 refused, 69 a server does not answer or a program
is missing, 78 configuration or schema.`,
  commands: {
    demo: {
      summary: 'the whole pipeline with a kill in the middle; prints expected against actual',
      load: async () => (await import('./commands/demo.ts')).demo,
    },
    test: {
      summary: 'every check and every test, against real servers',
      load: async () => (await import('./commands/test.ts')).test,
    },
    up: {
      summary: 'start Kafka, PostgreSQL and Redis where they are not running',
      load: async () => (await import('./commands/up.ts')).up,
    },
    down: {
      summary: 'end exactly what up started',
      load: async () => (await import('./commands/down.ts')).down,
    },
    status: {
      summary: 'which servers are there',
      load: async () => (await import('./commands/status.ts')).status,
    },
    migrate: {
      summary: "bring the database's schema and the topics up to date",
      load: async () => (await import('./commands/migrate.ts')).migrate,
    },
    roles: {
      summary: 'print a script that makes a database role for each app',
      load: async () => (await import('./commands/roles.ts')).roles,
    },
    ops: {
      summary:
        'lag, halts, dead letters, incidents: look, accept, redrive, acknowledge; ./dev ops --help',
      load: async () => (await import('./commands/run.ts')).ops,
    },
    run: {
      summary: 'run one app from its sources: ./dev run ingest-consumer',
      load: async () => (await import('./commands/run.ts')).run,
    },
    audit: {
      summary:
        "ops audit, of the last demo's database while nothing was counted in the stack's own",
      load: async () => (await import('./commands/run.ts')).inspecting('audit'),
    },
    sources: {
      summary: 'ops sources, of the same database as audit',
      load: async () => (await import('./commands/run.ts')).inspecting('sources'),
    },
    recount: {
      summary:
        'count a topic anew in Python and compare: recount statement|report|events FILE, recount rows',
      load: async () => (await import('./commands/recount.ts')).recountCommand,
    },
    fuzz: {
      summary:
        'feed our readers of foreign bytes with mutated inputs: does any crash, hang or misread?',
      load: async () => (await import('./commands/fuzz.ts')).fuzzCommand,
    },
    break: {
      summary: 'break one thing at a time: is it visible, named, healed?',
      load: async () => (await import('./commands/break.ts')).breakThings,
    },
    chaos: {
      summary:
        'break many things at once under load, by a seed, then count anew: all must be exact',
      load: async () => (await import('./commands/chaos.ts')).chaosCommand,
    },
    'crash-series': {
      summary: 'kill or freeze a process at every step of the protocols, and count',
      load: async () => (await import('./commands/crash-series.ts')).crashSeriesCommand,
    },
    matrix: {
      summary: 'the demo with other versions of the servers, written into docs/matrix.md',
      commands: {
        kafka: {
          summary: 'versions of Kafka, from Maven Central',
          load: async () => (await import('./commands/matrix.ts')).matrixCommand('kafka'),
        },
        postgres: {
          summary: 'PostgreSQL 15 to 18, also through PgBouncer and over TLS',
          load: async () => (await import('./commands/matrix.ts')).matrixCommand('postgres'),
        },
        redis: {
          summary: 'Redis 7 and 8',
          load: async () => (await import('./commands/matrix.ts')).matrixCommand('redis'),
        },
        valkey: {
          summary: 'Valkey 9',
          load: async () => (await import('./commands/matrix.ts')).matrixCommand('valkey'),
        },
        node: {
          summary: 'Node 24 and 26, each in a copy of this clone',
          load: async () => (await import('./commands/matrix.ts')).matrixCommand('node'),
        },
        together: {
          summary:
            'everything over TLS and by passwords at once, through PgBouncer, by version of Kafka',
          load: async () => (await import('./commands/matrix.ts')).matrixCommand('together'),
        },
        producers: {
          summary: 'where Kafka clients place keys, written into docs/producers/README.md',
          load: async () => (await import('./commands/matrix-producers.ts')).matrixProducers,
        },
      },
    },
    bench: {
      summary: 'measure: ./dev bench all',
      commands: {
        all: {
          summary: 'every line in one table, against its goals',
          load: async () => (await import('./commands/bench/lines.ts')).all,
        },
        build: {
          summary: 'clean and mix against another revision, in turn',
          load: async () => (await import('./commands/bench/lines.ts')).build,
        },
        ...LINE_COMMANDS,
        drain: {
          summary: 'a filled topic through the real service, against the floor and row by row',
          load: async () => (await import('./commands/bench/drain.ts')).drain,
        },
        report: {
          summary: 'what reports cost with months of many campaigns stored',
          load: async () => (await import('./commands/bench/report.ts')).report,
        },
        rollup: {
          summary: 'what keeping rollups costs',
          load: async () => (await import('./commands/bench/rollup.ts')).rollup,
        },
      },
    },
  },
};
