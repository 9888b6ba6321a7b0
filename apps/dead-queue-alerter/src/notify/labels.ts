import type { Message } from '../incidents/message.ts';

/** What is said beside the labels, which are an alert's identity: here may stand what changes. */
export function annotationsOf(message: Message): Record<string, string> {
  return {
    summary: message.summary,
    description: descriptionOf(message),
    bill: message.bill,
    first_command: message.firstCommand,
    ...(message.causes.length > 0 && { causes: message.causes.join('\n') }),
    ...(message.runbookUrl !== null && { runbook_url: message.runbookUrl }),
    incident_id: String(message.incidentId),
    ...(message.letters !== null && { letters: String(message.letters) }),
    ...(message.detectedLate && { detected_late: 'true' }),
  };
}

/** The whole message in lines without markup, the essential first. */
export function descriptionOf(message: Message): string {
  const { causes, facts, bill, firstCommand } = message;
  return [
    `Since: ${sinceText(message)}`,
    ...(causes.length > 0 ? ['Causes:', ...causes.map((cause) => `- ${cause}`)] : []),
    `For the bill: ${bill}`,
    `Do first: ${firstCommand}`,
    ...facts,
  ].join('\n');
}

export function sinceText({ startsAt, endsAt }: Message): string {
  return endsAt === null ? startsAt : `${startsAt}, until ${endsAt}`;
}

/** `team=ads, cluster=eu1`: what tells installations apart, for people. */
export function whereText({ labels, env }: Message): string {
  const { alertname: _name, key: _key, service: _service, severity: _severity, ...where } = labels;
  return Object.entries({ env, ...where })
    .map(([name, value]) => `${name}=${value}`)
    .join(', ');
}
