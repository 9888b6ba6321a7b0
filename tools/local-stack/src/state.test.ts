import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { formatState, parseState, readState, type StackState, writeState } from './state.ts';

const STATE: StackState = {
  kafka: {
    process: { pid: 42, startTicks: 1000, bootId: 'boot' },
    ports: [29_092, 29_093],
    dataFolder: '/data/kafka',
    logFile: '/logs/kafka.log',
  },
  redis: { process: undefined, ports: [26_379], dataFolder: undefined, logFile: '/logs/redis.log' },
};

test('a written state is read back', () => {
  const folder = mkdtempSync(join(tmpdir(), 'adtally-state-'));
  try {
    const path = join(folder, 'deep', 'stack.json');
    writeState(path, STATE);
    expect(readState(path)).toEqual(STATE);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('no file means nothing is remembered', () => {
  expect(readState('/nonexistent/stack.json')).toEqual({});
});

test.each(['', '[]', 'null', '{"version": 1', '{"version": 2, "servers": {}}', '{"version": 1}'])(
  'an unreadable state means nothing is remembered: %s',
  (text) => {
    expect(parseState(text)).toEqual({});
  },
);

function kafkaWith(change: object): unknown {
  const record = { ...STATE.kafka, ...change };
  return parseState(JSON.stringify({ version: 1, servers: { kafka: record } })).kafka;
}

test.each([{ ports: [] }, { ports: [0] }, { ports: [65_536] }, { ports: '29092' }, { logFile: 7 }])(
  'a broken record is dropped: %j',
  (change) => {
    expect(kafkaWith(change)).toBeUndefined();
  },
);

test.each([0, 1, -5, 1.5, '42'])('pid %j never comes back as a process to end', (pid) => {
  const process = { pid, startTicks: 1000, bootId: 'boot' };
  expect(kafkaWith({ process })).toMatchObject({ process: undefined, ports: [29_092, 29_093] });
});

test('the file says its version', () => {
  expect(JSON.parse(formatState(STATE))).toMatchObject({ version: 1 });
});
