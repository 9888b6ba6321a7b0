import { writeFileSync } from 'node:fs';
import { type Build, THIS_BUILD } from '../build/build.ts';
import { lagPicture } from '../deploy/lag-picture.ts';
import { type DeployMeasurement, measureDeploy } from '../deploy/measure-deploy.ts';
import { DEPLOY_WAYS, type DeployName, type DeployWay } from '../deploy/ways.ts';
import { BenchError } from '../errors.ts';
import { type FigureSpec, goal, info } from '../table/figure.ts';
import type { Bench } from './bench.ts';
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
/** What is told of the build this one is compared with, too. */
const BEFORE = ['pause', 'pause_partition', 'back'] as const satisfies readonly Told[];

export const deploy = line({
  figures: Object.fromEntries(
    NAMES.flatMap((name) =>
      Object.entries(specsOf(DEPLOY_WAYS[name])).map(([told, spec]) => [`${name}_${told}`, spec]),
    ),
  ),
  measure: async (bench) => {
    const { picture, against, ways: names } = bench.options;
    const builds = against === null ? [THIS_BUILD] : [THIS_BUILD, against];
    const asked = names ?? NAMES;
    const ways = asked.flatMap((name) =>
      builds.map((build) => async () => {
        const measured = await attempt(bench, name, build);
        return { name, build, measured };
      }),
    );
    const all = (await bench.inTurn(...ways)).flat();
    const figuresOf = (build: Build | null, name: DeployName): DeployMeasurement[] =>
      all.flatMap((one) => {
        const isIt = one.build === build && one.name === name;
        return isIt && 'deploy' in one.measured ? [one.measured] : [];
      });
    if (picture !== null) {
      const curves = NAMES.flatMap((name) => {
        const points = figuresOf(THIS_BUILD, name)[0]?.curve ?? [];
        const title = SHOWN[name]?.(bench.sizes.deploy);
        return title === undefined || points.length === 0 ? [] : [{ name: title, points }];
      });
      if (curves.length > 0) writeFileSync(picture, lagPicture(curves, bench.sizes.deploy.rate));
      else bench.progress('no picture: none of these ways is drawn');
    }
    const runs = asked.flatMap((name) => {
      const tell = (build: Build | null, told: Told): number[] =>
        figuresOf(build, name).map((measured) => TOLD[told](measured));
      const before = against === null ? [] : BEFORE;
      return [
        ...(Object.keys(TOLD) as Told[]).map((told) => [`${name}_${told}`, tell(THIS_BUILD, told)]),
        ...before.map((told) => [`${name}_${told}_before`, tell(against, told)]),
      ];
    });
    return {
      runs: Object.fromEntries(runs) as Record<string, number[]>,
      problems: all.flatMap(({ build, name, measured: { problems } }) =>
        problems.map((problem) => `${build.label}, ${name}: ${problem}`),
      ),
    };
  },
});

const UNCOVERED = 'events ended before the deployment did: more --seconds';

/** An older build may not know a way: then it is a problem, and what else was measured stays. */
async function attempt(
  bench: Bench,
  name: DeployName,
  build: Build,
): Promise<DeployMeasurement | { readonly problems: readonly string[] }> {
  try {
    const { deploy: size } = bench.sizes;
    const measured = await measureDeploy(bench, name, DEPLOY_WAYS[name], size, build);
    return measured.isCovered
      ? measured
      : { ...measured, problems: [...measured.problems, UNCOVERED] };
  } catch (error) {
    if (build === THIS_BUILD || !(error instanceof BenchError)) throw error;
    return { problems: [error.message] };
  }
}

function specsOf({
  how,
  protocol,
  isStatic,
}: DeployWay): Record<Told | `${(typeof BEFORE)[number]}_before`, FigureSpec> {
  // A static member keeps its partitions: drained first, they rest for the whole start of the next one.
  const goals = isStatic && how === 'rolling' ? NONE : GOALS[how];
  const before = (told: string): FigureSpec =>
    info('s', `${told} of the build it is compared with, in turn`, 2);
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
    pause_before: before('pause'),
    pause_partition_before: before('pause_partition'),
    back_before: before('back'),
  };
}
