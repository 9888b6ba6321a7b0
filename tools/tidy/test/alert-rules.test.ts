import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { amtool, hasPrometheus, promtool } from '@adtally/testkit';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { declaredMetrics } from './declared-metrics.ts';
import { ROOT } from './turbo.ts';

// infra/prometheus and infra/grafana: what they name exists, and every alert can fire, be silent, and be acted on.

const PROMETHEUS = join(ROOT, 'infra/prometheus');
const MACHINERY = /_(?:bucket|sum|count)$/;
const NAME = /\badtally_[a-z0-9_]+/g;

interface AlertRule {
  readonly alert: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

interface RuleTests {
  readonly tests: readonly {
    readonly alert_rule_test: readonly {
      readonly alertname: string;
      readonly exp_alerts: readonly unknown[];
    }[];
  }[];
}

function read(path: string): string {
  return readFileSync(path, 'utf8');
}

const ruleFiles = globSync('rules/*.yml', { cwd: PROMETHEUS }).toSorted();
const rules = ruleFiles.flatMap((file) => {
  const { groups } = parse(read(join(PROMETHEUS, file))) as {
    groups: readonly { rules: readonly AlertRule[] }[];
  };
  return groups.flatMap((group) => group.rules).map((rule) => ({ file, ...rule }));
});
const alerts = rules.map(({ alert }) => alert).toSorted();
const runbooks = globSync('docs/runbooks/*.md', { cwd: ROOT })
  .map((path) => basename(path, '.md'))
  .toSorted();

test('no alert has two rules', () => {
  expect(alerts).toEqual([...new Set(alerts)]);
  expect(alerts.length).toBeGreaterThan(20);
});

test.each(rules)('$alert says what it means, how bad it is, and what to do', (rule) => {
  expect(Object.keys(rule.annotations)).toEqual(['summary', 'description', 'runbook_url']);
  expect(rule.labels).toEqual({
    severity: expect.stringMatching(/^(page|warning)$/),
    team: 'ads-data',
  });
  expect(rule.annotations['runbook_url']).toBe(
    `{{ with $externalLabels.runbook_base_url }}{{ . }}/${rule.alert}.md{{ end }}`,
  );
  expect(runbooks).toContain(rule.alert);
});

test('every runbook is of an alert: of a rule, or of what a service tells by itself', () => {
  const sources = globSync('{apps,packages}/*/src/**/*.ts', { cwd: ROOT })
    .filter((path) => !path.endsWith('.test.ts'))
    .map((path) => read(join(ROOT, path)));
  const isTold = (alert: string): boolean =>
    alerts.includes(alert) || sources.some((source) => source.includes(`'${alert}'`));
  expect(runbooks.filter((runbook) => !isTold(runbook))).toEqual([]);
});

test.each(runbooks)('runbook %s has all its parts', (runbook) => {
  const text = read(join(ROOT, 'docs/runbooks', `${runbook}.md`));
  expect(text.split('\n')[0]).toBe(`# ${runbook}`);
  expect([...text.matchAll(/^## (.*)$/gm)].map(([, title]) => title)).toEqual([
    'Meaning',
    'Impact',
    'Billing effect',
    'Diagnosis',
    'Mitigation',
  ]);
});

test('every metric that rules and dashboards name is declared', async () => {
  const { owned } = await declaredMetrics();
  const declared = new Set([...owned.values()].flat().map(({ name }) => name));
  const files = globSync('infra/{prometheus,grafana}/**/*.{yml,json}', { cwd: ROOT });
  const named = files.flatMap((file) => {
    const names = [...new Set(read(join(ROOT, file)).match(NAME))];
    return names.map((name) => ({ file, name }));
  });
  expect(named.length).toBeGreaterThan(20);
  const isDeclared = ({ name }: { name: string }): boolean =>
    declared.has(name) || declared.has(name.replace(MACHINERY, ''));
  expect(named.filter((one) => !isDeclared(one))).toEqual([]);
});

describe.runIf(hasPrometheus())('as Prometheus reads them', () => {
  test('the examples of its and of Alertmanager’s configuration are right', async () => {
    const prometheus = await promtool('check', 'config', join(PROMETHEUS, 'prometheus.yml'));
    expect(prometheus).toMatchObject({ code: 0 });
    expect(prometheus.output).toContain(`${ruleFiles.length} rule files found`);
    expect(await amtool('check-config', join(PROMETHEUS, 'alertmanager.yml'))).toMatchObject({
      code: 0,
    });
  });

  test.each(ruleFiles)(
    'each alert of %s fires when it should, and is silent when it should',
    async (file) => {
      const tests = join(PROMETHEUS, 'tests', basename(file).replace(/yml$/, 'test.yml'));
      expect(await promtool('test', 'rules', tests)).toMatchObject({ code: 0 });
      const cases = (parse(read(tests)) as RuleTests).tests.flatMap((one) => one.alert_rule_test);
      const own = rules.filter((rule) => rule.file === file);
      for (const { alert } of own) {
        const expected = cases
          .filter(({ alertname }) => alertname === alert)
          .map(({ exp_alerts: fired }) => fired.length > 0);
        expect([alert, ...new Set(expected)].toSorted()).toEqual([alert, false, true].toSorted());
      }
    },
  );
});
