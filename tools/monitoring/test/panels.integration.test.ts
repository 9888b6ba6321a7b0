import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hasPrometheus, selfSigned, waitFor } from '@adtally/testkit';
import type { Dataquery } from '@grafana/grafana-foundation-sdk/prometheus';
import { expect, onTestFinished, test } from 'vitest';
import { BOARDS, dashboardOf, type PanelSpec } from '../src/index.ts';
import { Deployment } from './support/deployment.ts';
import { Watch } from './support/watch.ts';
import { flooded, halted } from './support/trials.ts';

const TIMEOUT_MS = 300_000;
const DATA_MS = 120_000;

interface Question {
  readonly panel: string;
  readonly query: string;
  readonly onlyWhen: PanelSpec['onlyWhen'];
}

/** What Grafana asks, its variables resolved. */
const QUESTIONS: Question[] = BOARDS.flatMap((board) => {
  const specs = new Map(
    Object.values(board.rows)
      .flat()
      .map((spec) => [spec.title, spec]),
  );
  return (dashboardOf(board).panels ?? []).flatMap((panel) => {
    const targets = 'targets' in panel ? (panel.targets as Dataquery[]) : [];
    return targets.map(({ expr }) => ({
      panel: `${board.name}: ${panel.title}`,
      query: expr
        .replaceAll('$deployment', '.*')
        .replaceAll('$__range', '5m')
        .replaceAll('$__rate_interval', '30s'),
      onlyWhen: specs.get(panel.title ?? '')?.onlyWhen,
    }));
  });
});

test.runIf(hasPrometheus())(
  'a real Prometheus answers every panel: at once, or when what it speaks of happens',
  { timeout: TIMEOUT_MS },
  async () => {
    expect(QUESTIONS.length).toBeGreaterThan(70);
    expect(QUESTIONS.filter(({ query }) => query.includes('$'))).toEqual([]);
    const folder = mkdtempSync(join(tmpdir(), 'adtally-panels-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const authority = join(folder, 'ca.pem');
    writeFileSync(authority, selfSigned().cert);
    await using watch = await Watch.start({ intervalSeconds: 1 });
    await using the = await Deployment.start({
      name: 'panels',
      rate: 20,
      mix: { malformed: 0 },
      env: {
        MAX_ATTEMPTS: '1',
        NODE_EXTRA_CA_CERTS: authority,
        RETRY_INTERVAL_MS: '500ms',
        BREAKER_WINDOW_RECORDS: '200',
        ROLLUP_SETTLE_MS: '5s',
        EVENTS_RETENTION_DAYS: '30',
        ALERT_WEBHOOK_URL: 'http://127.0.0.1:9/',
      },
    });
    await watch.add(the);
    await untilAnswered(
      watch,
      QUESTIONS.filter(({ onlyWhen }) => onlyWhen === undefined),
    );

    await halted.break(the);
    await halted.evidence(the);
    await flooded.break(the);
    await flooded.evidence(the);
    await untilAnswered(watch, QUESTIONS);
  },
);

/** Not all at one time: what is spoken of may pass. */
async function untilAnswered({ prometheus }: Watch, questions: readonly Question[]): Promise<void> {
  const open = new Set(questions);
  const ask = async (): Promise<boolean> => {
    for (const question of open) {
      const samples = await prometheus.query(question.query);
      if (samples.some(({ value }) => Number.isFinite(value))) open.delete(question);
    }
    return open.size === 0;
  };
  try {
    await waitFor(ask, { what: 'data', timeoutMs: DATA_MS, intervalMs: 1_000 });
  } catch (cause) {
    const unanswered = [...open].map(({ panel, query }) => `${panel}\n  ${query}`).join('\n');
    throw new Error(`no data in:\n${unanswered}`, { cause });
  }
}
