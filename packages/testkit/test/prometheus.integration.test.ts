import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  hasPrometheus,
  promtool,
  testAlertmanager,
  testPrometheus,
  waitFor,
} from '../src/index.ts';

const RULES = `
groups:
  - name: test
    rules:
      - alert: TooMuch
        expr: test_things > 5
        labels: { severity: page }
        annotations: { summary: "{{ $value }} things in {{ $labels.deployment }}" }
`;

/** Exports one gauge, and takes what an Alertmanager tells. */
async function target() {
  const told: string[] = [];
  const state = { things: 1 };
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => (body += String(chunk)));
    request.on('end', () => {
      if (request.method === 'POST') told.push(body);
      response.setHeader('content-type', 'text/plain; version=0.0.4');
      response.end(`# TYPE test_things gauge\ntest_things ${state.things}\n`);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, told, state, address: `127.0.0.1:${(server.address() as AddressInfo).port}` };
}

test.runIf(hasPrometheus())(
  'an alert of a real Prometheus comes from a real Alertmanager, and its end',
  async () => {
    const { server, told, state, address } = await target();
    const rules = join(mkdtempSync(join(tmpdir(), 'adtally-rules-')), 'test.yml');
    writeFileSync(rules, RULES);
    expect(await promtool('check', 'rules', rules)).toMatchObject({ code: 0 });
    await using alertmanager = await testAlertmanager({
      route: { receiver: 'all', group_wait: '0s', group_interval: '1s' },
      receivers: [{ name: 'all', webhook_configs: [{ url: `http://${address}/` }] }],
    });
    await using prometheus = await testPrometheus({
      ruleFiles: [rules],
      alertmanagerUrl: alertmanager.url,
    });
    prometheus.setTargets([{ targets: [address], labels: { deployment: 'one' } }]);
    await waitFor(async () => (await prometheus.query('test_things')).length > 0, {
      what: 'a scrape',
    });
    expect(await prometheus.query('test_things')).toEqual([
      { labels: expect.objectContaining({ deployment: 'one' }), value: 1 },
    ]);
    expect(await prometheus.query('scalar(test_things) + 1')).toEqual([{ labels: {}, value: 2 }]);
    await expect(prometheus.query('sum(')).rejects.toThrow('parse error');
    expect(await prometheus.alerts()).toEqual([]);

    state.things = 7;
    await waitFor(() => told.length > 0, { what: 'the alert' });
    expect(told[0]).toContain('7 things in one');
    expect(await prometheus.alerts()).toMatchObject([{ state: 'firing' }]);
    state.things = 1;
    await waitFor(() => told.some((text) => text.includes('"status":"resolved"')), {
      what: 'its end',
    });
    server.close();
  },
);

test.runIf(hasPrometheus())('promtool says what is wrong', async () => {
  const rules = join(mkdtempSync(join(tmpdir(), 'adtally-rules-')), 'test.yml');
  writeFileSync(rules, RULES.replace('> 5', '>'));
  const { code, output } = await promtool('check', 'rules', rules);
  expect(code).not.toBe(0);
  expect(output).toContain('could not parse expression');
});
