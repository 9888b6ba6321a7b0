import { EventEmitter } from 'node:events';
import { expect, onTestFinished, test, vi } from 'vitest';
import { ClientWords } from './client-words.ts';
import { type Notice, NoticeBoard } from './notices.ts';

const REFUSED = '[thrd:a:1/1]: a:1/1: Connect to ipv4#10.0.0.1:1 failed: Connection refused';
const CERTIFICATE =
  '[thrd:ssl://b:1/2]: ssl://b:1/2: SSL handshake failed: certificate verify failed';
const TIMED_OUT = { code: -185, message: 'Local: Timed out' };
const DOWN = { code: -1, message: 'all broker connections are down' };

function client() {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const native = new EventEmitter();
  const notices: Notice[] = [];
  const words = new ClientWords(native, new NoticeBoard((notice) => notices.push(notice)));
  const says = (message: string, fac = 'FAIL', severity = 3) =>
    native.emit('event.log', { fac, severity, message: `${message} (after 0ms in state CONNECT)` });
  return { native, words, says, notices };
}

test('a connection is in trouble until a broker answers, or the client has long said nothing', () => {
  const { words, says } = client();
  expect(words.trouble).toBeNull();
  says(REFUSED);
  expect(words.trouble).toMatchObject({
    code: 'broker_unreachable',
    message: 'a:1/1: Connect to ipv4#10.0.0.1:1 failed: Connection refused',
  });
  words.reached();
  expect(words.trouble).toBeNull();
  says(REFUSED);
  vi.advanceTimersByTime(100_000);
  expect(words.trouble).toBeNull();
});

test('a right that is missing stands until the work succeeds, whatever else is answered', () => {
  const { words } = client();
  words.note({ code: 29, message: 'Broker: Topic authorization failed' }, 'consume');
  words.reached();
  vi.advanceTimersByTime(1_000_000);
  expect(words.trouble?.code).toBe('topic_authorization');
  words.worked();
  expect(words.trouble).toBeNull();
});

test('bare disconnects do not displace a named cause; "all down" keeps it alive', () => {
  const { words, says, native, notices } = client();
  says(CERTIFICATE);
  says('b:1/2: Disconnected: SSL connection closed by peer');
  says(REFUSED);
  expect(words.trouble?.code).toBe('certificate_refused');
  vi.advanceTimersByTime(80_000);
  native.emit('event.error', DOWN);
  vi.advanceTimersByTime(80_000);
  expect(words.trouble?.code).toBe('certificate_refused');
  expect(notices.map(({ message }) => message)).not.toContain(DOWN.message);
});

test('a call without an answer says why, also after another broker answered', () => {
  const { words, says } = client();
  expect(words.explain(TIMED_OUT, 'ask').message).toBe(
    'ask: Local: Timed out (-185), and no connection complained',
  );
  says(REFUSED);
  words.worked();
  const error = words.explain(TIMED_OUT, 'ask');
  expect(error.message).toMatch(
    /^ask: Local: Timed out \(-185\); the client said: a:1\/1: Connect/,
  );
  expect(words.explain(error, 'again')).toBe(error);
  expect(words.explain({ code: 3, message: 'unknown topic' }, 'ask').trouble).toBeNull();
});

test('a right that is there again is not named when connections break later', () => {
  const { words, native } = client();
  words.note({ code: 29, message: 'Broker: Topic authorization failed' }, 'consume');
  words.worked();
  expect(words.explain(TIMED_OUT, 'ask').trouble).toBeNull();
  native.emit('event.error', DOWN);
  expect(words.trouble?.code).toBe('broker_unreachable');
});

test('debug lines and other subjects are not words', () => {
  const { words, says } = client();
  says('x', 'FAIL', 7);
  says('x', 'CONFWARN', 4);
  expect(words.trouble).toBeNull();
  expect(words.fatal({ code: -150, message: 'Local: Fatal error' }).message).toMatch(
    /Fatal error$/,
  );
  says('Fatal error: Broker: Out of order', 'FATAL', 0);
  expect(words.fatal({ code: -150, message: 'x' }).message).toContain('Broker: Out of order');
});
