import { describe, expect, test } from 'vitest';
import { Ownership } from './ownership.ts';

const CLAIMED = {
  partition: 3,
  sourceId: 30,
  topicId: 't',
  epoch: 1,
  committedOffset: 7,
  readOffset: 7,
};
const AWAY = { code: 'broker_unreachable', detail: 'describe t: Timed out (-185)' };
const HOLE = { code: 'hole', detail: 'offset 7 expected, 9 read' };

/** Partition 3, granted at 100. */
function granted(): Ownership {
  const ownership = new Ownership();
  ownership.grant(3, 100);
  return ownership;
}

describe('what the group grants', () => {
  test('is due at once, owned once claimed, and forgotten when it is revoked', () => {
    const ownership = granted();
    expect(ownership.due(99)).toEqual([]);
    expect(ownership.due(100)).toEqual([3]);
    const owned = ownership.own(CLAIMED);
    expect(owned).toEqual({ ...CLAIMED, allowance: 0, handoverSinceMs: 100 });
    expect(ownership.due(Infinity)).toEqual([]);
    expect(ownership.owned(3)).toBe(owned);
    expect(ownership.revoke(3)).toBe(owned);
    expect(ownership.owned(3)).toBeUndefined();
    expect(ownership.revoke(3)).toBeNull();
  });

  test('is not owned any more when it is granted again: the revocation was never seen', () => {
    const ownership = granted();
    const owned = ownership.own(CLAIMED);
    ownership.grant(3, 200);
    expect(ownership.isCurrent(owned)).toBe(false);
    expect(ownership.due(200)).toEqual([3]);
  });
});

describe('a claim that is put off', () => {
  test('counts its failures until it succeeds', () => {
    const ownership = granted();
    ownership.claimLater(3, 100, 50, AWAY);
    ownership.claimLater(3, 200, 50, AWAY);
    expect(ownership.failures(3)).toBe(2);
    expect(ownership.due(249)).toEqual([]);
    expect(ownership.due(250)).toEqual([3]);
    expect(ownership.own(CLAIMED).handoverSinceMs).toBe(100);
    expect(ownership.failures(3)).toBe(0);
  });

  test('says why and since when, as long as it waits', () => {
    const ownership = granted();
    expect(ownership.allWaiting()).toEqual([{ partition: 3, reason: null, sinceMs: 100 }]);
    ownership.claimLater(3, 150, 50, AWAY);
    expect(ownership.allWaiting()).toEqual([{ partition: 3, reason: AWAY, sinceMs: 100 }]);
    ownership.own(CLAIMED);
    expect(ownership.allWaiting()).toEqual([]);
    ownership.claimLater(3, 500, 50, AWAY);
    expect(ownership.allWaiting()).toEqual([{ partition: 3, reason: AWAY, sinceMs: 500 }]);
    ownership.halt(3, HOLE, 600, 2_000);
    expect(ownership.allWaiting()).toEqual([]);
  });

  test('of an owned partition ends the ownership, and a new one is another', () => {
    const ownership = granted();
    const first = ownership.own(CLAIMED);
    ownership.claimLater(3, 500, 50, AWAY);
    expect(ownership.allOwned()).toEqual([]);
    const second = ownership.own({ ...CLAIMED, epoch: 2 });
    expect(second.handoverSinceMs).toBe(500);
    expect([first, second].map((one) => ownership.isCurrent(one))).toEqual([false, true]);
  });
});

describe('a halt', () => {
  test('stands through claims that are put off, and ends with a claim', () => {
    const ownership = granted();
    ownership.own(CLAIMED);
    ownership.halt(3, HOLE, 500, 2_000);
    expect(ownership.allOwned()).toEqual([]);
    expect(ownership.due(2_499)).toEqual([]);
    ownership.claimLater(3, 2_500, 50, AWAY);
    expect(ownership.allHalted()).toEqual([{ partition: 3, ...HOLE }]);
    expect(ownership.due(2_550)).toEqual([3]);
    ownership.own(CLAIMED);
    expect(ownership.isHalted(3)).toBe(false);
  });
});

describe('what a state may not be entered from', () => {
  test('a partition that is not granted is neither owned, put off nor halted', () => {
    const ownership = new Ownership();
    expect(() => ownership.own(CLAIMED)).toThrow('cannot go from absent to owned');
    expect(() => ownership.claimLater(3, 100, 50, AWAY)).toThrow('is not granted');
    expect(() => ownership.halt(3, HOLE, 100, 50)).toThrow('is not granted');
  });

  test('an owned partition is not owned once more: its reader would still go by the older claim', () => {
    const ownership = granted();
    ownership.own(CLAIMED);
    expect(() => ownership.own({ ...CLAIMED, epoch: 2 })).toThrow('from owned to owned');
  });
});
