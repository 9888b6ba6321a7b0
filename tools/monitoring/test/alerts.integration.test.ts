import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  hasKafkaServer,
  hasPrometheus,
  hasRedisServer,
  testAlertmanager,
  waitFor,
  type TestAlertmanager,
} from '@adtally/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { Deployment } from './support/deployment.ts';
import { AlertReceiver, type ToldAlert } from './support/receiver.ts';
import { ROOT } from './support/root.ts';
import { TRIALS, type Fault } from './support/trials.ts';
import { Watch } from './support/watch.ts';

const PROMETHEUS = join(ROOT, 'infra/prometheus');
const RUNBOOKS = 'https://wiki.example.com/runbooks';
/** As the rules' README asks for: what an alert's time is stated for. */
const INTERVAL_SECONDS = 15;
/** Within this time of what happened people must have been told. */
const TOLD_MS = 120_000;
/** Only so that a test ends that waits in vain: a breaker closes, and a minute's figures pass, in their own time. */
const HEALED_MS = 240_000;
const CALM_MS = 20_000;
/** For so long nothing is told of what needs nobody. */
const QUIET_MS = 60_000;
const POLL_MS = 100;
const TIMEOUT_MS = 600_000;
const LISTENERS_MAX = 100;

const canRun = hasPrometheus() && hasKafkaServer() && hasRedisServer();

describe.runIf(canRun)('with the rules of infra/prometheus on real servers', () => {
  let receiver: AlertReceiver;
  let alertmanager: TestAlertmanager;
  let watching: Promise<Watch> | undefined;
  /** There once something is there to be watched: an empty Prometheus rightly says that nobody tells any figure. */
  const theWatch = (): Promise<Watch> =>
    (watching ??= Watch.start({
      ruleFiles: [join(PROMETHEUS, 'rules/*.yml')],
      alertmanagerUrl: alertmanager.url,
      intervalSeconds: INTERVAL_SECONDS,
      externalLabels: { runbook_base_url: RUNBOOKS },
    }));

  beforeAll(async () => {
    process.setMaxListeners(LISTENERS_MAX);
    receiver = await AlertReceiver.listen();
    alertmanager = await testAlertmanager(exampleSettings(receiver.url));
  });

  afterAll(async () => {
    await (await watching)?.[Symbol.asyncDispose]();
    await alertmanager.close();
    receiver.close();
  });

  test.concurrent.each(TRIALS)(
    '$name: people are told within two minutes, of nothing else, and of the end',
    { timeout: TIMEOUT_MS },
    async ({ name, prepare }) => {
      await using stack = new AsyncDisposableStack();
      const { env = {}, faults } = await prepare(stack);
      const mix = { malformed: 0, misrouted: 0 };
      const deployment = stack.use(await Deployment.start({ name, rate: 10, mix, env }));
      const watch = await theWatch();
      stack.defer(() => watch.remove(deployment));
      await watch.add(deployment);
      await sleep(CALM_MS);
      expect(namesOf(receiver.of(name))).toEqual([]);
      for (const fault of faults) await tryOut(fault, deployment, receiver);
      for (const { labels, annotations } of receiver.of(name)) {
        expect(annotations['runbook_url']).toBe(`${RUNBOOKS}/${labels['alertname']}.md`);
      }
      // Nor of a deployment that nobody knows.
      expect(receiver.of(undefined)).toEqual([]);
    },
  );
});

/** The example's, but that everything comes here, and the end of an alert at once instead of after minutes. */
function exampleSettings(webhookUrl: string): object {
  const text = readFileSync(join(PROMETHEUS, 'alertmanager.yml'), 'utf8');
  const { route, receivers, ...rest } = parse(text) as {
    route: object;
    receivers: readonly { name: string }[];
  };
  return {
    ...rest,
    route: { ...route, group_interval: '1s' },
    receivers: receivers.map(({ name }) => ({ name, webhook_configs: [{ url: webhookUrl }] })),
  };
}

/** Breaks, sees that it is broken, hears of it in time, heals, hears of the end, and of nothing else all the while. */
async function tryOut(
  fault: Fault,
  deployment: Deployment,
  receiver: AlertReceiver,
): Promise<void> {
  const { alerts, consequences = [], lasting = [] } = fault;
  const before = receiver.of(deployment.name).length;
  const open = () => openAlerts(receiver.of(deployment.name));
  const until = async (what: string, condition: () => boolean, timeoutMs: number) => {
    try {
      await waitFor(condition, { what, timeoutMs, intervalMs: POLL_MS });
    } catch (cause) {
      throw new Error(`${fault.name}: no ${what}; told: ${[...open()].join(', ')}`, { cause });
    }
  };
  const brokenAtMs = performance.now();
  await fault.break(deployment);
  await fault.evidence(deployment);
  if (alerts.length === 0) await sleep(QUIET_MS);
  const isTold = () => alerts.every((alert) => open().has(alert));
  await until(alerts.join(', '), isTold, TOLD_MS - (performance.now() - brokenAtMs));
  const toldSeconds = (performance.now() - brokenAtMs) / 1_000;
  await fault.heal(deployment);
  await until('end of it', () => open().isSubsetOf(new Set(lasting)), HEALED_MS);
  const healedSeconds = (performance.now() - brokenAtMs) / 1_000 - toldSeconds;
  process.stderr.write(
    `${fault.name}: told after ${toldSeconds.toFixed(0)} s, over ${healedSeconds.toFixed(0)} s after it was healed\n`,
  );
  const told = namesOf(receiver.of(deployment.name).slice(before));
  const others = told.filter((name) => ![...alerts, ...consequences].includes(name));
  expect({ fault: fault.name, others }).toEqual({ fault: fault.name, others: [] });
}

function namesOf(told: readonly ToldAlert[]): string[] {
  return [...new Set(told.map(({ labels }) => labels['alertname'] ?? ''))];
}

/** Names of alerts that were told of and have not ended. */
function openAlerts(told: readonly ToldAlert[]): Set<string> {
  const open = new Map<string, string>();
  for (const { status, labels } of told) {
    const identity = JSON.stringify(labels);
    if (status === 'firing') open.set(identity, labels['alertname'] ?? '');
    else open.delete(identity);
  }
  return new Set(open.values());
}
