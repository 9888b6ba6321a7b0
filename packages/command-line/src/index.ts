export { CHECK_CONFIG_OPTION, tellConfig } from './check-config.ts';
export {
  CHECK_CONNECTIONS_OPTION,
  type ConnectionCheck,
  tellConnections,
} from './check-connections.ts';
export {
  command,
  type Command,
  type CommandEntry,
  type CommandTree,
  type Given,
  type Program,
} from './command.ts';
export { CommandError, UsageError } from './errors.ts';
export { EXIT, exitCodeOf, type ExitCode } from './exit-codes.ts';
export { main } from './main.ts';
export { noAnswer, refusedBy, type Server } from './no-answer.ts';
export {
  formatTable,
  jsonText,
  printJson,
  progressLine,
  say,
  stderrTarget,
  type ProgressLine,
  type ProgressTarget,
} from './output.ts';
export {
  flag,
  JSON_OPTION,
  list,
  operand,
  operands,
  option,
  required,
  type Operand,
  type Operands,
  type Option,
  type Options,
  type ValuesOf,
} from './parameters.ts';
export { runProgram } from './run-program.ts';
export { didYouMean } from './suggest.ts';
export type { ExplainError } from './tell-error.ts';
export { timeMs, timestamp } from './times.ts';
export {
  choice,
  duration,
  id,
  parseValue,
  text,
  wholeNumber,
  type ValueType,
} from './value-types.ts';
