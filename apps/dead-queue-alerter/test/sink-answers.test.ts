import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { readConfig } from '../src/env.ts';
import { retryAfterMs } from '../src/notify/post-json.ts';
import { createSinks } from '../src/notify/sinks.ts';
import { Listener } from './support/listener.ts';
import { FIRING, RESOLVED, SIGNAL, sinksAt } from './support/sinks-at.ts';

test.each([
  [200, 'sent'],
  [204, 'sent'],
  [301, 'refused'],
  [400, 'refused'],
  [404, 'refused'],
  [408, 'unavailable'],
  [429, 'unavailable'],
  [500, 'unavailable'],
  [503, 'unavailable'],
])('the answer %i means %s', async (status, kind) => {
  const listener = await Listener.open({ onTestFinished });
  listener.answer = { status, headers: { location: listener.url } };
  expect(await sinksAt(listener.url).webhook.send(FIRING, SIGNAL)).toMatchObject({ kind });
  expect(listener.received).toHaveLength(1);
});

test('a sink that answers nothing, or is not there, is unavailable in bounded time, its URL untold', async () => {
  const listener = await Listener.open({ onTestFinished });
  listener.answer = 'hold';
  const held = await sinksAt(`${listener.url}/a-secret`, 200).webhook.send(FIRING, SIGNAL);
  expect(held).toEqual({ kind: 'unavailable', error: 'no answer in time', retryAfterMs: null });
  await listener.down();
  const gone = await sinksAt(`${listener.url}/a-secret`).webhook.send(FIRING, SIGNAL);
  expect(gone).toEqual({ kind: 'unavailable', error: 'ECONNREFUSED', retryAfterMs: null });
});

test('a password in a URL travels as a header', async () => {
  const listener = await Listener.open({ onTestFinished });
  const url = listener.url.replace('http://', 'http://user:p%40ss@');
  await sinksAt(url).webhook.send(FIRING, SIGNAL);
  expect(listener.accepted[0]?.headers['authorization']).toBe(
    `Basic ${Buffer.from('user:p@ss').toString('base64')}`,
  );
});

test.each([
  [{ 'retry-after': '7' }, 7_000],
  [{ 'retry-after': '999999999' }, 3_600_000],
  [
    { 'retry-after': 'Sun, 01 Mar 2026 12:00:30 GMT', date: 'Sun, 01 Mar 2026 12:00:00 GMT' },
    30_000,
  ],
  [{ 'retry-after': 'Sun, 01 Mar 2026 11:00:00 GMT', date: 'Sun, 01 Mar 2026 12:00:00 GMT' }, 0],
  [{ 'retry-after': 'Sun, 01 Mar 2026 12:00:30 GMT' }, null], // against whose clock?
  [{ 'retry-after': 'soon' }, null],
  [{}, null],
])('Retry-After in %o asks for %s ms', (headers, expected) => {
  expect(retryAfterMs(new Headers(headers as Record<string, string>))).toBe(expected);
});

test('an address and a key from a file are read again at each attempt', async () => {
  const first = await Listener.open({ onTestFinished });
  const second = await Listener.open({ onTestFinished });
  const folder = mkdtempSync(join(tmpdir(), 'adtally-sink-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const [addressFile, keyFile] = [join(folder, 'url'), join(folder, 'key')];
  writeFileSync(addressFile, `${first.url}\n`);
  writeFileSync(keyFile, 'the-first-key\n');
  const config = readConfig({
    KAFKA_BROKERS: 'broker:9092',
    DATABASE_URL: 'postgres://db/adtally',
    PAGERDUTY_URL_FILE: addressFile,
    PAGERDUTY_ROUTING_KEY_FILE: keyFile,
  });
  const [pager, ...others] = createSinks(config);
  expect(others).toEqual([]);
  expect(await pager?.send(FIRING, SIGNAL)).toEqual({ kind: 'sent' });
  writeFileSync(addressFile, second.url);
  writeFileSync(keyFile, 'the-second-key');
  expect(await pager?.send(RESOLVED, SIGNAL)).toEqual({ kind: 'sent' });
  expect([first, second].map(({ accepted }) => accepted.map(({ body }) => body))).toEqual([
    [expect.objectContaining({ routing_key: 'the-first-key', event_action: 'trigger' })],
    [expect.objectContaining({ routing_key: 'the-second-key', event_action: 'resolve' })],
  ]);
});
