import { createLogger, createMetrics } from '@adtally/telemetry';
import { onTestFinished } from 'vitest';
import { buildAdminApp, type AdminHost, type AdminOptions } from '../src/admin-app.ts';
import type { LifecycleState } from '../src/lifecycle.ts';
import type { Work } from '../src/work-in-hand.ts';

const logger = createLogger({ service: 'test', level: 'silent' });

/** The routes of a process whose state the test sets. */
export function setUp(options: Partial<AdminOptions> = {}) {
  const process = {
    state: 'running' as LifecycleState,
    waiting: [] as string[],
    work: { inHand: [], committed: [] } as Work,
    drains: 0,
  };
  const host: AdminHost = {
    logger,
    state: () => process.state,
    notReady: () => process.waiting,
    work: () => process.work,
    drain: () => void (process.drains += 1),
  };
  const metrics = createMetrics({ service: 'test', version: '0', definitions: {} });
  onTestFinished(() => metrics.shutdown());
  const complete: AdminOptions = { host: '127.0.0.1', port: 0, metrics, ...options };
  return { process, host, options: complete, app: buildAdminApp(complete, host) };
}
