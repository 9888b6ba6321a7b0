import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { GroupMember } from './direct/group-members.ts';
import { KafkaRequestError } from './errors.ts';
import { MembershipCheck, type MembershipEvent } from './membership-check.ts';
import { Rebalances } from './rebalances.ts';

const LINE = 'Timed out ConsumerGroupHeartbeatRequest in flight (after 1000ms, timeout #0)';
const BETWEEN_LOOKS_MS = 5_000;
const GROUP_AUTHORIZATION_FAILED = 30;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A member that was granted partitions, in a group that says of its members what the test has it say. */
function member(...granted: number[]) {
  const client = new EventEmitter();
  const rebalances = new Rebalances();
  const paced = { calls: 0 };
  const said: string[] = [];
  const events: MembershipEvent[] = [];
  const group = { members: [granted], error: null as Error | null, looks: 0, joined: 0 };
  const check = new MembershipCheck({
    notices: { post: (_, error) => void said.push((error as Error).message) },
    rebalances,
    paced,
    isPerhapsUs: ({ clientId }: GroupMember) => clientId === 'us',
    members: async () => {
      group.looks += 1;
      if (group.error !== null) throw group.error;
      return group.members.map((partitions) => ({
        clientId: 'us',
        instanceId: null,
        partitions: new Set(partitions),
      }));
    },
    joinAgain: () => void (group.joined += 1),
  }).listenTo(client);
  check.tell((event) => events.push(event));
  const settleAll = () => {
    for (const event of rebalances.take()) rebalances.settled(event);
  };
  rebalances.granted(granted);
  settleAll();
  return {
    rebalances,
    group,
    said,
    events,
    settleAll,
    leavesUnanswered: (line = LINE) =>
      client.emit('event.log', { fac: 'REQTMOUT', message: `[thrd:GroupCoordinator]: ${line}` }),
    /** Turns the loop for so long, with the client attended to in each turn or not. */
    turnFor: async (ms: number, { attended = true } = {}) => {
      for (let passedMs = 0; passedMs < ms; passedMs += 100) {
        if (attended) paced.calls += 1;
        check.check();
        await vi.advanceTimersByTimeAsync(100);
      }
    },
  };
}

test('the group is asked only after an unanswered heartbeat, until it agrees twice', async () => {
  const { group, events, turnFor, leavesUnanswered } = member(0, 1);
  await turnFor(20_000);
  expect(group.looks).toBe(0);
  leavesUnanswered('Timed out OffsetCommitRequest in flight (after 60000ms, timeout #0)');
  await turnFor(20_000);
  expect(group.looks).toBe(0);
  leavesUnanswered();
  await turnFor(60_000);
  expect(group.looks).toBe(2);
  expect(events).toEqual(['unanswered']);
  expect(group.joined).toBe(0);
});

test('it is joined again where it disagrees twice, and not for what it says once', async () => {
  const { group, events, turnFor, leavesUnanswered } = member(0, 1);
  group.members = [[0], [2]];
  leavesUnanswered();
  await turnFor(BETWEEN_LOOKS_MS - 500);
  expect(group.joined).toBe(0);
  group.members = [[0, 1], [2]];
  await turnFor(30_000);
  expect(group.joined).toBe(0);
  leavesUnanswered();
  group.members = [[0], [2]];
  await turnFor(BETWEEN_LOOKS_MS + 1_000);
  expect(group.joined).toBe(1);
  expect(events).toEqual(['unanswered', 'unanswered', 'answer_lost']);
});

test('not while a change waits to be settled, nor for what changed between two looks', async () => {
  const { group, rebalances, settleAll, turnFor, leavesUnanswered } = member(0, 1);
  group.members = [[0]];
  leavesUnanswered();
  await turnFor(1_000);
  rebalances.revoked([1], false);
  await turnFor(60_000);
  expect(group).toMatchObject({ looks: 1, joined: 0 });
  settleAll();
  group.members = [[]];
  await turnFor(BETWEEN_LOOKS_MS - 500);
  expect(group).toMatchObject({ looks: 2, joined: 0 });
  await turnFor(BETWEEN_LOOKS_MS);
  expect(group).toMatchObject({ looks: 3, joined: 1 });
});

test('not before the client was attended to after the last look: it may hold the answer', async () => {
  const { group, turnFor, leavesUnanswered } = member(0, 1);
  group.members = [[0]];
  leavesUnanswered();
  await turnFor(30_000, { attended: false });
  expect(group.looks).toBeGreaterThan(2);
  expect(group.joined).toBe(0);
});

test('looks are further apart where heartbeats are: an answer under way is none that was lost', async () => {
  const { group, turnFor, leavesUnanswered } = member(0, 1);
  group.members = [[0]];
  leavesUnanswered(LINE.replace('1000ms', '5400ms'));
  await turnFor(2 * BETWEEN_LOOKS_MS);
  expect(group).toMatchObject({ looks: 1, joined: 0 });
  await turnFor(2_000);
  expect(group).toMatchObject({ looks: 2, joined: 1 });
});

test('at most once a minute', async () => {
  const { group, turnFor, leavesUnanswered } = member(0, 1);
  group.members = [[0]];
  leavesUnanswered();
  await turnFor(60_000);
  expect(group.joined).toBe(1);
  await turnFor(15_000);
  expect(group.joined).toBe(2);
});

test('a spare is not told from another spare, and is left alone', async () => {
  const { group, turnFor, leavesUnanswered } = member();
  group.members = [[0], [1], []];
  leavesUnanswered();
  await turnFor(60_000);
  expect(group).toMatchObject({ looks: 2, joined: 0 });
});

test('brokers that are away are asked again, a right that is missing is said once', async () => {
  const { group, said, turnFor, leavesUnanswered } = member(0, 1);
  group.error = new KafkaRequestError('describe group g: away', -195, true);
  leavesUnanswered();
  await turnFor(20_000);
  expect(group.looks).toBe(4);
  group.error = new KafkaRequestError('describe group g: no', GROUP_AUTHORIZATION_FAILED, false);
  await turnFor(60_000);
  expect(group.looks).toBe(5);
  expect(group.joined).toBe(0);
  expect(said.filter((words) => words.includes('describe group g'))).toEqual([
    'whether an answer of the group was lost cannot be seen: describe group g: no',
  ]);
});
