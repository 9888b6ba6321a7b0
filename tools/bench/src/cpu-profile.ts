/** The parts of a V8 .cpuprofile that are read here. Times in microseconds of the monotonic clock. */
export interface CpuProfile {
  readonly startTime: number;
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: {
      readonly functionName: string;
      readonly url: string;
      readonly lineNumber: number;
    };
  }[];
  /** The node on top of the stack at each sample, and the time since the sample before. */
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

export interface FunctionCost {
  /** e.g. `classify packages/pipeline/src/classify.ts:50` */
  readonly name: string;
  readonly selfUs: number;
}

const WORKSPACE_PATH = /(?:apps|packages|tools|node_modules)\/(?!.*node_modules\/).*$/;

/** Self time by function within a window of time, the most expensive first. */
export function selfTimes(profile: CpuProfile, fromUs: number, toUs: number): FunctionCost[] {
  const names = new Map(profile.nodes.map(({ id, callFrame }) => [id, frameName(callFrame)]));
  const costs = new Map<string, number>();
  let timeUs = profile.startTime;
  for (const [index, id] of profile.samples.entries()) {
    const spentUs = profile.timeDeltas[index] ?? 0;
    timeUs += spentUs;
    if (timeUs < fromUs || timeUs > toUs) continue;
    const name = names.get(id) ?? '(unknown)';
    costs.set(name, (costs.get(name) ?? 0) + spentUs);
  }
  return [...costs]
    .map(([name, selfUs]) => ({ name, selfUs }))
    .toSorted((left, right) => right.selfUs - left.selfUs);
}

function frameName(frame: CpuProfile['nodes'][number]['callFrame']): string {
  const { functionName, url, lineNumber } = frame;
  const path = WORKSPACE_PATH.exec(url)?.[0] ?? url;
  const place = path === '' ? '' : ` ${path}:${lineNumber + 1}`;
  return `${functionName === '' ? '(anonymous)' : functionName}${place}`;
}
