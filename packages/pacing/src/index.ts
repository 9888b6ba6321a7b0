export { Abandoned, Backoff, backoffMs } from './backoff.ts';
export { pause } from './pause.ts';
export { RecurringTask, type RecurringTaskOptions } from './recurring-task.ts';
