import { goal, info } from '../table/figure.ts';
import { StatementCounter } from '../wal/statement-counter.ts';
import { problemsOf } from './figures-of-drains.ts';
import { line } from './line.ts';

/** What a drain asks of Redis. */
export const redis = line({
  figures: {
    bytes_per_key: goal({ atMost: 8 }, 'B', 'growth of Redis by the events stored', 1),
    commands_per_batch: goal({ atMost: 64 }, '', 'commands to Redis by the batches written', 1),
  },
  measure: async (bench) => {
    const load = await bench.topic('clean');
    const [drains = []] = await bench.inTurn(() => bench.drain(load));
    return {
      runs: {
        bytes_per_key: drains.map(({ redisBytesPerEvent }) => redisBytesPerEvent),
        commands_per_batch: drains.map((drain) => drain.redisCommands / drain.batch.batches),
      },
      problems: problemsOf(drains),
    };
  },
});

/** What a drain asks of PostgreSQL. */
export const wal = line({
  figures: {
    bytes_per_event: goal({ atMost: 230 }, 'B', 'write-ahead log an event, whole server', 1),
    statements_per_event: goal({ atMost: 0.01 }, '', 'queries and executions of the service', 4),
    rows_per_batch: info('', 'records of one transaction'),
  },
  measure: async (bench) => {
    const load = await bench.topic('clean');
    const counts: number[] = [];
    const [drains = []] = await bench.inTurn(async () => {
      // Between the service and its server, which the clock of this line does not matter to.
      const counter = await StatementCounter.before(bench.servers.addresses.databaseUrl);
      try {
        const drain = await bench.drain(load, { addressOf: (url) => counter.addressOf(url) });
        counts.push(counter.statements / load.events);
        return drain;
      } finally {
        counter.close();
      }
    });
    return {
      runs: {
        bytes_per_event: drains.map(({ walBytesPerEvent }) => walBytesPerEvent),
        statements_per_event: counts,
        rows_per_batch: drains.map(({ batch }) => batch.rows_per_batch),
      },
      problems: problemsOf(drains),
    };
  },
});
