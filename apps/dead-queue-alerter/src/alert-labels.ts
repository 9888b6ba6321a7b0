import { field, NotAllowed } from '@adtally/config';

/** Labels that every notification carries by itself. */
export const OWN_LABELS = ['alertname', 'env', 'key', 'service', 'severity', 'topic'] as const;

/** As Prometheus and Alertmanager take them; two underscores are theirs. */
const NAME = /^(?!__)[a-zA-Z_][a-zA-Z0-9_]*$/;
// oxlint-disable-next-line no-control-regex -- these are what is refused
const CONTROL = /[\u0000-\u001f\u007f]/;
const NAME_MAX = 64;
const VALUE_MAX = 200;
const LABELS_MAX = 20;

/** Labels for routing, `name=value,...`: said of every notification as they are. */
export function alertLabels(variable: string, meaning: string) {
  return field<Readonly<Record<string, string>>>(variable, {
    allowed: 'name=value,...',
    meaning,
    defaultText: '',
    parse: (text) => {
      const problems: string[] = [];
      const labels = new Map<string, string>();
      for (const pair of text === '' ? [] : text.split(',')) {
        const [name = '', ...rest] = pair.split('=');
        const [label, value] = [name.trim(), rest.join('=').trim()];
        const problem = problemOf(label, value, labels);
        if (problem === null) labels.set(label, value);
        else problems.push(`${variable}: ${problem}`);
      }
      if (labels.size > LABELS_MAX) problems.push(`${variable}: at most ${LABELS_MAX} labels`);
      return problems.length > 0 ? new NotAllowed(problems) : Object.fromEntries(labels);
    },
    show: (labels) =>
      Object.entries(labels)
        .map(([name, value]) => `${name}=${value}`)
        .join(','),
  });
}

function problemOf(name: string, value: string, known: ReadonlyMap<string, string>): string | null {
  const quoted = JSON.stringify(name.slice(0, NAME_MAX));
  if (!NAME.test(name) || name.length > NAME_MAX) return `${quoted} is no name of a label`;
  if ((OWN_LABELS as readonly string[]).includes(name)) return `${name} is set by the alerter`;
  if (known.has(name)) return `${name} is given twice`;
  if (value === '') return `${name} has no value`;
  if (value.length > VALUE_MAX || CONTROL.test(value)) {
    return `the value of ${name} must be at most ${VALUE_MAX} characters, none of them a control`;
  }
  return null;
}
