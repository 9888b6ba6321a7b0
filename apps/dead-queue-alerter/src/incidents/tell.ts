import { insertNotifications, nextRevision } from '@adtally/alerting';
import { type DatabaseExecutor, type NotificationKind } from '@adtally/db';
import { messageOf, type Message } from './message.ts';
import type { AlertSettings } from './settings.ts';

/** Writes one outbox row a sink; in the transaction of the change. Returns what will be said. */
export async function tell(
  trx: DatabaseExecutor,
  incidentId: bigint,
  kind: NotificationKind,
  settings: AlertSettings,
): Promise<Message> {
  const incident = await nextRevision(trx, incidentId);
  const message = messageOf(incident, kind, settings);
  await insertNotifications(trx, {
    incidentId,
    revision: incident.revision,
    kind,
    sinks: settings.sinks,
    message,
  });
  return message;
}
