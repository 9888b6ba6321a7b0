import { insertIncident, openIncident, updateIncident } from '@adtally/alerting';
import { takeNotificationRequests, type DatabaseExecutor, type WaitingRequest } from '@adtally/db';
import { plain } from '../plain-text.ts';
import type { Message } from './message.ts';
import { DEAD_RATE_ALERT, type AlertSettings } from './settings.ts';
import { tell } from './tell.ts';

const REQUESTS_AT_ONCE = 100;
const SUMMARY_MAX = 250;

/**
 * Acts on what other services asked to be told: the first firing request of an alert and key opens an
 * incident, further ones update it, a resolved one ends it. Returns what people will be told.
 */
export async function applyRequests(
  trx: DatabaseExecutor,
  settings: AlertSettings,
): Promise<Message[]> {
  const told: Message[] = [];
  for (const request of await takeNotificationRequests(trx, REQUESTS_AT_ONCE)) {
    // The rule's incidents come from letters alone.
    if (request.alert === DEAD_RATE_ALERT) continue;
    const message = await applyRequest(trx, settings, request);
    if (message !== null) told.push(message);
  }
  return told;
}

async function applyRequest(
  trx: DatabaseExecutor,
  settings: AlertSettings,
  request: WaitingRequest,
): Promise<Message | null> {
  const open = await openIncident(trx, request.alert, request.key);
  const { detail } = request;
  const summary = plain(request.summary, SUMMARY_MAX);
  switch (request.status) {
    case 'resolved':
      // Nobody was told of it: there is nothing to take back.
      if (open === undefined) return null;
      await updateIncident(trx, open.incidentId, { endsAt: request.requestedAt, summary, detail });
      return await tell(trx, open.incidentId, 'resolved', settings);
    case 'firing': {
      if (open === undefined) {
        const { incidentId } = await insertIncident(trx, {
          alert: request.alert,
          key: request.key,
          startsAt: request.requestedAt,
          summary,
          detail,
        });
        return await tell(trx, incidentId, 'firing', settings);
      }
      const isSame =
        open.summary === summary && JSON.stringify(open.detail) === JSON.stringify(detail);
      if (!isSame) await updateIncident(trx, open.incidentId, { summary, detail, hasNews: true });
      return null;
    }
    default:
      return request.status satisfies never;
  }
}
