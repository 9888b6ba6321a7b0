import { expect, test } from 'vitest';
import { NoticeBoard, type Notice } from './notices.ts';
import { OffsetHints } from './offset-hints.ts';
import type { NativeConsumer } from './rdkafka.ts';

/** A client that notes what is committed to it, until it is disconnected. */
function setUp() {
  const commits: Record<number, number>[] = [];
  const notices: Notice[] = [];
  const client = { isConnected: true };
  const commit = (offsets: { partition: number; offset: number }[]) => {
    if (!client.isConnected) throw new Error('KafkaConsumer is disconnected');
    commits.push(Object.fromEntries(offsets.map(({ partition, offset }) => [partition, offset])));
  };
  const board = new NoticeBoard((notice) => notices.push(notice));
  const hints = new OffsetHints({ commit } as unknown as NativeConsumer, 't', board);
  return { hints, commits, notices, client };
}

test('one commit is in flight at a time, and the newest offsets follow it', () => {
  const { hints, commits } = setUp();
  hints.note(new Map([[0, 10]]));
  hints.note(new Map([[0, 20]]));
  hints.note(new Map([[1, 5]]));
  expect(commits).toEqual([{ 0: 10 }]);
  hints.settled(null);
  expect(commits).toEqual([{ 0: 10 }, { 0: 20, 1: 5 }]);
});

test('a member that leaves sends what waits at once, and complains of nothing afterwards', () => {
  const { hints, commits, notices, client } = setUp();
  hints.note(new Map([[0, 10]]));
  hints.note(new Map([[0, 20]]));
  hints.leave();
  expect(commits).toEqual([{ 0: 10 }, { 0: 20 }]);
  hints.note(new Map([[0, 30]]));
  client.isConnected = false;
  hints.settled(null);
  hints.settled(new Error('the coordinator is gone'));
  expect(notices).toEqual([]);
});

test('a commit that fails before that is worth a notice', () => {
  const { hints, notices } = setUp();
  hints.note(new Map([[0, 10]]));
  hints.settled(new Error('the coordinator is gone'));
  expect(notices.map(({ kind }) => kind)).toEqual(['commit']);
});
