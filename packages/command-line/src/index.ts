export { parseCommand, UsageError, wholeNumber } from './args.ts';
export {
  formatTable,
  printJson,
  progressLine,
  say,
  stderrTarget,
  type ProgressLine,
  type ProgressTarget,
} from './output.ts';
