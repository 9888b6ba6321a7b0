import type { Message } from '../incidents/message.ts';

/** Labels are an alert's identity: nothing that changes while it is open may be among them. */
export function labelsOf(message: Message): Record<string, string> {
  return {
    alertname: message.alert,
    env: message.env,
    key: message.key,
    service: 'dead-queue-alerter',
    severity: 'page',
  };
}

export function annotationsOf(message: Message): Record<string, string> {
  return {
    summary: message.summary,
    description: message.description,
    runbook_url: message.runbookUrl,
    incident_id: String(message.incidentId),
    ...(message.letters !== null && { letters: String(message.letters) }),
    ...(message.detectedLate && { detected_late: 'true' }),
  };
}
