import { expect, test } from 'vitest';
import { KafkaError } from './errors.ts';
import { type Notice, NoticeBoard } from './notices.ts';

test('a text that repeats but for its numbers is handed on once, others are not held back', () => {
  const notices: Notice[] = [];
  const board = new NoticeBoard((notice) => notices.push(notice));
  for (let i = 0; i < 1000; i++) {
    board.post('connection', new KafkaError(`broker ${i} transport failure after ${i} ms`, -195));
  }
  board.post('consume', new KafkaError('broker 1 transport failure after 1 ms', -195));
  board.post('connection', new KafkaError('all brokers are down', -187));
  expect(notices.map(({ kind, code }) => [kind, code])).toEqual([
    ['connection', -195],
    ['consume', -195],
    ['connection', -187],
  ]);
});

test('notices without a listener and without an error object are harmless', () => {
  new NoticeBoard(undefined).post('leave', new Error('x'));
  const notices: Notice[] = [];
  new NoticeBoard((notice) => notices.push(notice)).post('leave', 'text');
  expect(notices).toEqual([{ kind: 'leave', code: -1, message: 'text', suppressed: 0 }]);
});
