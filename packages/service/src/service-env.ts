import { durationMs, int, oneOf, text } from '@adtally/config';
import { LOG_LEVELS } from '@adtally/telemetry';

/** Where an app's admin port listens unless told otherwise; each app has a number of its own. */
export function adminPort(defaultPort: number) {
  return int('ADMIN_PORT', { default: defaultPort, min: 0, max: 65_535 });
}

/** The variables every service has; spread into the app's own schema. */
export const SERVICE_ENV = {
  adminHost: text('ADMIN_HOST', { default: '127.0.0.1' }),
  adminToken: text('ADMIN_TOKEN', { default: '', secret: true }),
  // Below the 30 s a Kubernetes pod gets by default.
  drainDeadlineMs: durationMs('DRAIN_DEADLINE_MS', { default: 25_000, min: 100, max: 3_600_000 }),
  logLevel: oneOf('LOG_LEVEL', LOG_LEVELS, { default: 'info' }),
} as const;
