import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { ALERTS, SEVERITIES, type AlertName } from '@adtally/alerting';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

const ROOT = resolve(import.meta.dirname, '../../..');
const RUNBOOKS = resolve(ROOT, 'docs/runbooks');
const RULES = resolve(ROOT, 'infra/prometheus/rules');
/** Of which a day, in which commands with a time are compared. */
const STARTS_AT = new Date('2026-03-01T10:05:00Z');

interface Rules {
  readonly groups: readonly {
    readonly rules: readonly {
      readonly alert?: string;
      readonly labels?: { readonly severity?: string };
    }[];
  }[];
}

const severities: readonly string[] = SEVERITIES;
const table: Readonly<Record<string, { readonly severity: string }>> = ALERTS;
const names = Object.keys(ALERTS) as AlertName[];
const runbook = (alert: string): string => readFileSync(resolve(RUNBOOKS, `${alert}.md`), 'utf8');
/** A section of a runbook on one line, without the marks of Markdown. */
const section = (alert: string, title: string): string =>
  (runbook(alert).split(`\n## ${title}\n`)[1] ?? '').split('\n## ')[0]?.replaceAll(/\s+/g, ' ') ??
  '';

describe('the table of alerts', () => {
  it.each(names)(
    '%s has the severity, the words on the bill and the first command of its runbook',
    (alert) => {
      const { severity, bill, firstCommand } = ALERTS[alert];
      expect(/^Severity: (\w+)\.$/m.exec(runbook(alert))?.[1]).toBe(severity);
      expect(section(alert, 'Billing effect')).toContain(bill.replace(/\.$/, ''));
      expect(section(alert, 'Diagnosis')).toContain(
        firstCommand(STARTS_AT).replace('10:00:00.000Z', '10:00:00Z'),
      );
    },
  );

  it('is what the table of docs/operations.md says', () => {
    const text = readFileSync(resolve(ROOT, 'docs/operations.md'), 'utf8');
    const rows = text.matchAll(/^\| (\[`\w+`\].*) \|.*\| (\w+) \|$/gm);
    const told = [...rows].flatMap(([, alerts = '', severity]) =>
      [...alerts.matchAll(/\[`(\w+)`\]/g)].map(([, alert = '']) => [alert, severity] as const),
    );
    const known = told.filter(([alert]) => Object.hasOwn(ALERTS, alert));
    expect(known.length).toBeGreaterThan(4);
    expect(known).toEqual(known.map(([alert]) => [alert, table[alert]?.severity]));
  });

  it('is what rules for Prometheus of the same name say, and every rule has a runbook', () => {
    const files = existsSync(RULES)
      ? readdirSync(RULES).filter((name) => name.endsWith('.yml'))
      : [];
    const rules = files
      .map((file) => parse(readFileSync(resolve(RULES, file), 'utf8')) as Rules)
      .flatMap(({ groups }) => groups.flatMap((group) => group.rules));
    const said = rules.flatMap(({ alert, labels }) =>
      alert === undefined ? [] : [{ alert, severity: labels?.severity ?? '' }],
    );
    expect(said.filter(({ alert }) => !existsSync(resolve(RUNBOOKS, `${alert}.md`)))).toEqual([]);
    expect(said.filter(({ severity }) => !severities.includes(severity))).toEqual([]);
    const known = said.filter(({ alert }) => Object.hasOwn(ALERTS, alert));
    expect(known).toEqual(known.map(({ alert }) => ({ alert, severity: table[alert]?.severity })));
  });
});
