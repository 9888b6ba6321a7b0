export {
  buildAdminApp,
  type AdminHost,
  type AdminOptions,
  type FastifyInstance,
} from './admin-app.ts';
export { AdminServer } from './admin-server.ts';
export { Closers, openInOrder, type Opened } from './closers.ts';
export { abandonInTime, giveUpAfterMs } from './give-up.ts';
export type { ConnectionCheck } from '@adtally/command-line';
export { Heartbeat } from './heartbeat.ts';
export { Lifecycle, type LifecycleState } from './lifecycle.ts';
export { runApp, type AppParts, type BuiltApp, type ServiceConfig } from './run-app.ts';
export { runMain, serviceProgram, untilDrained, type MainOptions } from './run-main.ts';
export { runService, type RunServiceOptions } from './run-service.ts';
export { serviceEnv } from './service-env.ts';
export {
  ServerStanding,
  ServerUnusable,
  untilItAnswers,
  type AttemptOptions,
} from './server-standing.ts';
export type { Service } from './service.ts';
export { DrainCutShort, type InHand, type Work, WorkBook } from './work-in-hand.ts';
