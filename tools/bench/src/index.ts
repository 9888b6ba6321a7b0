export { benchRollup } from './bench-rollup.ts';
export type { BenchRollupOptions, RollupReport } from './bench-rollup.ts';
export { benchDrain, DEFAULT_LOADS_FILE } from './bench-drain.ts';
export type { BenchDrainOptions, BenchDrainResult } from './bench-drain.ts';
export { benchReprocess } from './bench-reprocess.ts';
export type { BenchReprocessOptions, ReprocessReport } from './bench-reprocess.ts';
export type { FunctionCost } from './cpu-profile.ts';
export { BenchError } from './errors.ts';
export type { DrainReport } from './report.ts';
