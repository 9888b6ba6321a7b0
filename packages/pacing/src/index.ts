export { Abandoned, Backoff, backoffMs } from './backoff.ts';
export { pause } from './pause.ts';
export { RepeatedWords } from './repeated-words.ts';
export { RecurringTask, type RecurringTaskOptions } from './recurring-task.ts';
export { unlessStopped } from './unless-stopped.ts';
export type { ServerFailure } from './server-failure.ts';
