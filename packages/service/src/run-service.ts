// oxlint-disable unicorn/no-process-exit -- the one place that may end the process by force
import { EXIT, exitCodeOf } from '@adtally/command-line';
import type { Logger, TelemetryExport } from '@adtally/telemetry';
import type { AdminOptions } from './admin-app.ts';
import { AdminServer } from './admin-server.ts';
import { Lifecycle } from './lifecycle.ts';
import type { Service } from './service.ts';

export interface RunServiceOptions {
  /** In start order: pools first, the consumer last. They stop the other way round, intake first. */
  readonly services: readonly Service[];
  readonly admin: AdminOptions;
  /** A drain that takes longer ends the process with exit code 1. Shorter than the platform's grace. */
  readonly drainDeadlineMs: number;
  /** Pushes what the services tell, to the last. */
  readonly exporting?: TelemetryExport | undefined;
  readonly logger: Logger;
}

const SIGNAL_EXIT_CODES = { SIGINT: EXIT.forcedBySigint, SIGTERM: EXIT.forcedBySigterm } as const;
/** After a clean drain the event loop should empty by itself; a leaked handle gets this long. */
const LINGER_MS = 10_000;
const DRAIN_STATE = { starting: 0, running: 0, draining: 1, drained: 2 } as const;

/**
 * Runs services until a signal, POST /drain or a failure, then drains them and sets
 * `process.exitCode`: 0 after a drain, the failure's code (78 for a configuration or schema error)
 * otherwise (1 where the drain gave up work in hand). A second signal, or the drain deadline, ends the process at once. Resolves when drained.
 */
export async function runService(options: RunServiceOptions): Promise<void> {
  const { logger } = options;
  const drained = Promise.withResolvers<void>();
  let drainTimer: NodeJS.Timeout | undefined;

  const lifecycle = new Lifecycle(options.services, logger, (state) => {
    options.admin.metrics.drainState.set(DRAIN_STATE[state]);
    if (state === 'draining') drainTimer = forceAfter(options.drainDeadlineMs, lifecycle, logger);
    if (state === 'drained') drained.resolve();
  });
  const admin = new AdminServer(options.admin, {
    logger,
    state: () => lifecycle.state,
    notReady: () => lifecycle.notReady(),
    work: () => lifecycle.work(),
    drain: (reason) => void lifecycle.drain(reason),
  });

  const removeHandlers = installHandlers(lifecycle, logger);
  lifecycle.prepare();
  let adminFailure: unknown;
  const endWithoutAdmin = (what: string) => (error: unknown) => {
    adminFailure = error;
    logger.fatal({ err: error }, what);
    void lifecycle.drain(what);
  };
  void admin.failed.then(endWithoutAdmin('admin could not be loaded'));
  // Outside the lifecycle: it answers probes from the first moment of the start to the last of the drain.
  await admin.start().catch(endWithoutAdmin('admin could not start'));
  void lifecycle.start().then(() => {
    if (lifecycle.state === 'running') logger.info('running');
  });
  await drained.promise;
  await admin.stop();
  const isExported = (await options.exporting?.close()) ?? true;
  await options.admin.metrics.shutdown();
  clearTimeout(drainTimer);
  removeHandlers();
  const exitCode =
    lifecycle.exitCode || (adminFailure === undefined ? EXIT.success : codeOf(adminFailure));
  // A collector that does not answer would keep the process for as long as exports are tried.
  if (!isExported) process.exit(exitCode);
  endWith(exitCode, logger);
}

/** Lets the loop empty; names what keeps it alive if it does not. */
function endWith(exitCode: number, logger: Logger): void {
  process.exitCode = exitCode;
  setTimeout(() => {
    logger.warn(
      { held: process.getActiveResourcesInfo() },
      'drained, but something keeps the process',
    );
    process.exit(exitCode);
  }, LINGER_MS).unref();
}

function codeOf(error: unknown): number {
  return exitCodeOf(error) ?? EXIT.failure;
}

function forceAfter(deadlineMs: number, lifecycle: Lifecycle, logger: Logger): NodeJS.Timeout {
  return setTimeout(() => {
    const left = lifecycle.work().inHand;
    logger.fatal({ deadlineMs, left }, 'drain deadline passed, ending by force');
    process.exit(EXIT.failure);
  }, deadlineMs);
}

/** Signals drain, the second one forces; what nobody caught ends the process with one log line. */
function installHandlers(lifecycle: Lifecycle, logger: Logger): () => void {
  let signals = 0;
  const onSignal = (signal: 'SIGINT' | 'SIGTERM') => {
    signals += 1;
    if (signals > 1) {
      logger.fatal({ signal }, 'second signal, ending by force');
      process.exit(SIGNAL_EXIT_CODES[signal]);
    }
    void lifecycle.drain(signal);
  };
  const onUncaught = (error: unknown) => {
    logger.fatal({ err: error }, 'uncaught error');
    process.exit(codeOf(error));
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  process.on('uncaughtException', onUncaught); // unhandled rejections come here too
  return () => {
    // The signals keep their handlers: a late one must not turn a clean exit into a killed process.
    process.off('uncaughtException', onUncaught);
  };
}
