import { durationMs, int, oneOf, secret, text } from '@adtally/config';
import { LOG_LEVELS } from '@adtally/telemetry';
import { OTEL_ENV } from '@adtally/telemetry/env';

/** The variables every service has; each app's admin port has a number of its own. */
export function serviceEnv(defaultAdminPort: number) {
  return {
    adminHost: text('ADMIN_HOST', {
      default: '127.0.0.1',
      meaning: 'where the admin port listens',
    }),
    adminPort: int('ADMIN_PORT', {
      default: defaultAdminPort,
      min: 0,
      max: 65_535,
      meaning: '0 = any free port, named in the log',
    }),
    adminToken: secret(
      text('ADMIN_TOKEN', {
        default: '',
        hidden: true,
        meaning: 'if set, requests that change something need `Authorization: Bearer <token>`',
      }),
    ),
    drainDeadlineMs: durationMs('DRAIN_DEADLINE_MS', {
      // Below the 30 s a Kubernetes pod gets by default.
      default: 25_000,
      min: 100,
      max: 3_600_000,
      meaning: "a longer drain ends by force; keep it below the platform's grace period",
    }),
    refusedMaxMs: durationMs('REFUSED_MAX_MS', {
      default: 60_000,
      min: 0,
      max: 3_600_000,
      meaning:
        'a server that refuses our login or rights for so long from the start on ends us with 78; later it is waited for',
    }),
    logLevel: oneOf('LOG_LEVEL', LOG_LEVELS, {
      default: 'info',
      meaning: `${LOG_LEVELS.map((level) => `\`${level}\``).join(' ')}; JSON lines on standard error`,
    }),
    ...OTEL_ENV,
  } as const;
}
