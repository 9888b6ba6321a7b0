export { chaos, type ChaosOptions, type ChaosResult } from './chaos.ts';
export { FAULTS } from './faults/index.ts';
export { type PlannedWindow, planOf } from './plan.ts';
export { chaosMarkdown, chaosText, planText } from './report.ts';
