import type { DrainMeasurement } from '../drain/measure-drain.ts';
import { ensureConnect, measureConnect, type PeerMeasurement } from '../peers/measure-connect.ts';
import { goal, info } from '../table/figure.ts';
import { line } from './line.ts';

const MEBIBYTE = 1_048_576;

type Either = DrainMeasurement | PeerMeasurement;

export const peers = line({
  figures: {
    connect_rate: info('events/s', 'Kafka Connect with the Debezium JDBC sink, two tasks'),
    connect_cpu: info('us', 'CPU an event, Connect and all servers', 2),
    connect_rss: info('MiB', 'peak resident memory of Connect'),
    rate_ratio: goal({ atLeast: 2.5 }, 'x', 'events/s against it, same topic'),
    cpu_ratio: goal({ atMost: 0.36 }, 'x', 'CPU an event, all, against it'),
    rss_ratio: goal({ atMost: 0.2 }, 'x', 'peak memory against it'),
  },
  measure: async (bench) => {
    const program = await ensureConnect(bench);
    const load = await bench.topic('clean');
    const [ours = [], theirs = []] = await bench.inTurn<Either>(
      () => bench.drain(load),
      () => measureConnect(bench, load, program),
    );
    const rate = ({ events, seconds }: Either): number => events / seconds;
    const cpu = ({ cpuUsPerEvent }: Either): number | null => cpuUsPerEvent.total;
    const rss = ({ peakRssBytes }: Either): number => peakRssBytes;
    const ratio = (of: (measured: Either) => number | null) =>
      ours.map((measured, n) => {
        const other = theirs[n];
        const [above, below] = [of(measured), other === undefined ? null : of(other)];
        return above === null || below === null ? null : above / below;
      });
    return {
      runs: {
        connect_rate: theirs.map(rate),
        connect_cpu: theirs.map(cpu),
        connect_rss: theirs.map((measured) => rss(measured) / MEBIBYTE),
        rate_ratio: ratio(rate),
        cpu_ratio: ratio(cpu),
        rss_ratio: ratio(rss),
      },
      problems: [...new Set([...ours, ...theirs].flatMap(({ problems }) => problems))],
    };
  },
});
