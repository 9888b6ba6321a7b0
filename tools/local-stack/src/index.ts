export { StackError } from './errors.ts';
export { cacheFolder } from '@adtally/native-servers';
export { ensureJars, type Jars } from './jars.ts';
export { ensureKafkaJars } from './kafka.ts';
export { localFolder, repositoryRoot } from './env.ts';
export { imageNodeOptions } from './node-options.ts';
export { type Report, reportToStderr } from './report.ts';
export {
  ensureStack,
  runningAddresses,
  type ServerStatus,
  type StackAddresses,
  stackStatus,
  stopStack,
} from './stack.ts';
export type { ServerName } from './state.ts';
