import { buildAdminApp } from '@adtally/service';
import { createLogger, createMetrics } from '@adtally/telemetry';
import { type FuzzTarget, must } from '../target.ts';

const TOKEN = 'right';
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;
/** What HTTP's parser lets into a header. */
const NOT_IN_HEADERS = /[^\t\x20-\x7e]/g;
const NOT_IN_PATHS = /[^\x21-\x7e]/g;
const DIGIT_0 = 0x30;
const NAME = /^[a-z0-9-]+$/i;

let drains = 0;
const app = buildAdminApp(
  {
    host: '127.0.0.1',
    port: 0,
    token: TOKEN,
    metrics: createMetrics({ service: 'fuzz', version: '0', definitions: {} }),
  },
  {
    logger: createLogger({ service: 'fuzz', level: 'silent' }),
    state: () => 'running',
    notReady: () => [],
    work: () => ({ inHand: [], committed: [] }),
    drain: () => void (drains += 1),
  },
);

export default {
  name: 'admin-http',
  what: "requests to the admin port: an answer that is no failure of ours, and a drain for the token's holder alone",
  share: 1,
  seeds: () => [
    Buffer.from('0/livez\n\n'),
    Buffer.from('0/metrics?x=1\naccept: text/plain\n\n'),
    Buffer.from(`2/drain\nauthorization: Bearer ${TOKEN}\n\n`),
    Buffer.from('2/drain\nsec-fetch-site: cross-site\ncontent-type: application/json\n\n{"a":1}'),
    Buffer.from('1/readyz\n\n'),
  ],
  dictionary: [
    '/drain', '/livez', '/readyz', '/metrics', '%2e%2e', '%', '//', '?', '#', ';', 'Bearer ', TOKEN, '\nauthorization: ',
    '\ncontent-type: application/json', '\ncontent-length: 5', '\ntransfer-encoding: chunked', '\nexpect: 100-continue',
    '\nsec-fetch-site: none', '{"__proto__":1}', '\n\n',
  ], // prettier-ignore
  run: async (input) => {
    const text = input.toString('latin1');
    const blank = text.indexOf('\n\n');
    const [first = '', ...lines] = text.slice(0, blank < 0 ? undefined : blank).split('\n');
    const headers: Record<string, string> = {};
    for (const line of lines) {
      const [name = '', ...value] = line.split(':');
      if (NAME.test(name))
        headers[name.toLowerCase()] = value.join(':').replaceAll(NOT_IN_HEADERS, '').trim();
    }
    const url = `/${first.slice(1).replace(/^\/+/, '').replaceAll(NOT_IN_PATHS, '')}`;
    // The client that injects takes no address that URL refuses; a server would answer.
    if (!URL.canParse(url, 'http://localhost')) return 'no URL';
    const before = drains;
    const { statusCode } = await app.inject({
      method: METHODS[Math.max(0, first.charCodeAt(0) - DIGIT_0) % METHODS.length] ?? 'GET',
      url,
      headers,
      ...(blank < 0 ? {} : { payload: input.subarray(blank + 2) }),
    });
    must(statusCode >= 200 && statusCode < 500, `answered ${statusCode}`);
    const mayDrain = headers['authorization'] === `Bearer ${TOKEN}`;
    must(statusCode !== 202 || mayDrain, 'a drain without the token');
    must(drains === before || mayDrain, 'drained without the token');
    return `status ${statusCode}`;
  },
} satisfies FuzzTarget;
