import type { ProfileName } from '../preload/profiles.ts';
import { goal, info } from '../table/figure.ts';
import type { Bench } from './bench.ts';
import { problemsOf, rateOf, ratios } from './figures-of-drains.ts';
import { line } from './line.ts';

type Drain = Awaited<ReturnType<Bench['drain']>>;

/** Drains of another topic, or with other settings, in turn with drains of the clean one. */
async function besideClean(
  bench: Bench,
  profile: ProfileName,
  env: NodeJS.ProcessEnv = {},
): Promise<{ clean: Drain[]; other: Drain[] }> {
  const [load, otherLoad] = [await bench.topic('clean'), await bench.topic(profile)];
  const [clean = [], other = []] = await bench.inTurn(
    () => bench.drain(load),
    () => bench.drain(otherLoad, { env }),
  );
  return { clean, other };
}

const rss = ({ peakRssBytes }: Drain): number => peakRssBytes;

export const duplicates = line({
  figures: {
    rate: info('events/s', 'topic of 50 % duplicates'),
    rate_ratio: goal({ atLeast: 0.85 }, 'x', 'events/s against the clean topic'),
    rss_ratio: info('x', 'peak memory against the clean topic', 2),
  },
  measure: async (bench) => {
    const { clean, other } = await besideClean(bench, 'duplicates');
    return {
      runs: {
        rate: other.map(rateOf),
        rate_ratio: ratios(other, clean, rateOf),
        rss_ratio: ratios(other, clean, rss),
      },
      problems: problemsOf(clean, other),
    };
  },
});

/** What each variant changes, and what it may cost. */
export const variants = line({
  figures: {
    ids_v4: goal({ atLeast: 0.75 }, 'x', 'all ids v4: events/s against the clean topic'),
    redis_off: goal({ atLeast: 0.9 }, 'x', 'without Redis: events/s against with it'),
    malformed: goal({ atLeast: 0.92 }, 'x', '1 % malformed: events/s against the clean topic'),
    zstd: goal({ atLeast: 0.97 }, 'x', 'zstd topic: events/s against the clean topic'),
    zstd_rss: goal({ atMost: 1.2 }, 'x', 'zstd topic: peak memory against the clean topic'),
  },
  measure: async (bench) => {
    const v4 = await besideClean(bench, 'ids-v4');
    const redisOff = await besideClean(bench, 'clean', { REDIS_URL: '' });
    const malformed = await besideClean(bench, 'malformed');
    const zstd = await besideClean(bench, 'zstd');
    const rate = ({ clean, other }: typeof v4) => ratios(other, clean, rateOf);
    return {
      runs: {
        ids_v4: rate(v4),
        redis_off: rate(redisOff),
        malformed: rate(malformed),
        zstd: rate(zstd),
        zstd_rss: ratios(zstd.other, zstd.clean, rss),
      },
      problems: problemsOf(
        ...[v4, redisOff, malformed, zstd].flatMap((pair) => Object.values(pair)),
      ),
    };
  },
});
