import { writeFileSync } from 'node:fs';
import { lagPicture } from '../deploy/lag-picture.ts';
import { type DeployMeasurement, measureDeploy } from '../deploy/measure-deploy.ts';
import { DEPLOY_WAYS, type DeployName, type DeployWay } from '../deploy/ways.ts';
import { type FigureSpec, goal, info } from '../table/figure.ts';
import { line } from './line.ts';
import type { DeploySize } from './sizes.ts';

const ONE_AFTER_THE_OTHER = { pause: 0.1, partitionPause: 0.4, back: 1 };
const NONE = { pause: null, partitionPause: null, back: null };
/** In seconds above the steady state's own pause in the same run; with the classic protocol twice that. */
const GOALS = {
  rolling: ONE_AFTER_THE_OTHER,
  surge: ONE_AFTER_THE_OTHER,
  in_place: { pause: 0.5, partitionPause: null, back: 1 },
  kill: NONE,
} as const;
const CLASSIC_FACTOR = 2;
const SECOND_MS = 1_000;

/** In the picture, by what they are to a reader. */
const SHOWN: Readonly<Partial<Record<DeployName, (size: DeploySize) => string>>> = {
  kill: ({ windowSeconds }) => `killed, started ${windowSeconds} s later`,
  in_place: () => 'drained and started again in place',
  rolling: () => 'three instances, one after the other',
};

const NAMES = Object.keys(DEPLOY_WAYS) as DeployName[];

/** What is told of every way, and how it is got from the measurement. */
const TOLD = {
  rate: ({ rate }: DeployMeasurement) => rate,
  steady_pause: ({ steady }) => steady.pauseMs / SECOND_MS,
  steady_pause_partition: ({ steady }) => steady.partitionPauseMs / SECOND_MS,
  pause: ({ steady, deploy }) => (deploy.pauseMs - steady.pauseMs) / SECOND_MS,
  pause_partition: ({ steady, deploy }) =>
    (deploy.partitionPauseMs - steady.partitionPauseMs) / SECOND_MS,
  lag: ({ deploy }) => deploy.lagRecords,
  lag_seconds: ({ deploy }) => deploy.lagMs / SECOND_MS,
  back: ({ backMs }) => backMs / SECOND_MS,
  duplicates: ({ duplicates }) => duplicates,
} as const satisfies Readonly<Record<string, (measured: DeployMeasurement) => number>>;

type Told = keyof typeof TOLD;

export const deploy = line({
  figures: Object.fromEntries(
    NAMES.flatMap((name) =>
      Object.entries(specsOf(DEPLOY_WAYS[name])).map(([told, spec]) => [`${name}_${told}`, spec]),
    ),
  ),
  measure: async (bench) => {
    const ways = NAMES.map((name) => async () => {
      const measured = await measureDeploy(bench, name, DEPLOY_WAYS[name], bench.sizes.deploy);
      return { name, measured };
    });
    const taken = (await bench.inTurn(...ways)).flat();
    const { picture } = bench.options;
    if (picture !== null) {
      const curves = NAMES.flatMap((name) => {
        const points = taken.find((one) => one.name === name)?.measured.curve ?? [];
        const title = SHOWN[name]?.(bench.sizes.deploy);
        return title === undefined ? [] : [{ name: title, points }];
      });
      writeFileSync(picture, lagPicture(curves, bench.sizes.deploy.rate));
    }
    const runs = NAMES.flatMap((name) =>
      (Object.keys(TOLD) as Told[]).map((told) => [
        `${name}_${told}`,
        taken.filter((one) => one.name === name).map(({ measured }) => TOLD[told](measured)),
      ]),
    );
    return {
      runs: Object.fromEntries(runs) as Record<string, number[]>,
      problems: taken.flatMap(({ name, measured: { problems, isCovered } }) =>
        isCovered
          ? problems
          : [...problems, `${name}: events ended before the deployment did: more --seconds`],
      ),
    };
  },
});

function specsOf({ how, protocol, isStatic }: DeployWay): Record<Told, FigureSpec> {
  // A static member keeps its partitions: drained first, they rest for the whole start of the next one.
  const goals = isStatic && how === 'rolling' ? NONE : GOALS[how];
  const factor = protocol === 'classic' ? CLASSIC_FACTOR : 1;
  const seconds = (most: number | null, means: string): FigureSpec =>
    most === null ? info('s', means, 2) : goal({ atMost: most * factor }, 's', means, 2);
  return {
    rate: info('events/s', 'steady load, its generator on the same machine'),
    steady_pause: info('s', 'longest pause in all commits before the deployment', 2),
    steady_pause_partition: info('s', 'longest pause in the commits of one partition before', 2),
    pause: seconds(goals.pause, 'longest pause in all commits, above the steady one'),
    pause_partition: seconds(
      goals.partitionPause,
      'longest pause in the commits of one partition, above the steady one',
    ),
    lag: info('records', 'largest lag'),
    lag_seconds: info('s', 'longest wait of a record from its append to its commit', 2),
    back: seconds(goals.back, "lag above the steady state's own, beyond the longest pause"),
    duplicates: info('records', 'written twice, and counted once'),
  };
}
