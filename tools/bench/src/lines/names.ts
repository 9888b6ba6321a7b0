export { DEPLOY_WAYS, type DeployName } from '../deploy/ways.ts';

/** What each line measures, in one line; known without loading what measures it. */
export const LINE_SUMMARIES = {
  clean: 'drain of a clean topic by one process; --against REV compares two builds in turn',
  mix: 'the same of the default mix',
  floor: 'the clean topic against the same parts without the guarantees',
  'two-processes': 'two processes against one',
  live: '50,000 events/s from a generator on the same cores: append to committed, lag',
  'live-fast': 'the same at 100,000/s',
  latency: 'one event at a time, and against one row at a time at a load that it bears',
  deploy:
    'deployments under load: killed, in place, rolling; both group protocols, static membership',
  start: 'process start to first commit with a full topic',
  duplicates: 'a topic of 50 % duplicates against the clean one',
  replay: 'the whole of a drained topic read again',
  variants: 'ids v4, no Redis, 1 % malformed, zstd, each against clean',
  traces: 'traces and metrics exported, against nothing exported',
  reprocess: 'dead letters copied and retried by the real service',
  redis: 'bytes a key, commands a batch',
  wal: 'write-ahead log and statements an event',
  peers: 'Kafka Connect with the Debezium JDBC sink, same topic',
  growth: '100 M rows against 1 M',
} as const;

export type LineName = keyof typeof LINE_SUMMARIES;

/** The revision whose figures the goals of `clean`, `mix` and `reprocess` are multiples of. */
export const GOALS_REVISION = '8588a83';

/** Whether a line is compared with another build where several are measured: without one its goals mean nothing. */
export const hasMultiples = (name: LineName): boolean =>
  ['clean', 'mix', 'reprocess'].includes(name);
