import type { Logger } from '@adtally/telemetry';
import type { Message } from './message.ts';

const WORDS = {
  firing: 'incident opened',
  update: 'incident grew',
  repeat: 'incident still open',
  resolved: 'incident resolved',
} as const;

/** Says in the log what sinks are told; called once the transaction is committed. */
export function announce(told: readonly Message[], log: Logger): void {
  for (const { kind, incidentId, alert, key, summary, detectedLate } of told) {
    const about = { incident: incidentId, alert, key, summary, detected_late: detectedLate };
    if (kind === 'resolved') log.info(about, WORDS[kind]);
    else log.error(about, WORDS[kind]);
  }
}
