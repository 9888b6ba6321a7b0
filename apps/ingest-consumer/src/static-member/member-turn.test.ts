import type { WriterSession } from '@adtally/db';
import { Abandoned } from '@adtally/pacing';
import { createLogger } from '@adtally/telemetry';
import { expect, onTestFinished, test } from 'vitest';
import { MemberTurn, type MemberTurnLimits, type MemberTurnParts } from './member-turn.ts';

const STANDING_BY = 'standing by until the process that is this member leaves';
const OUT_OF_TURN = 'joining the group out of turn';
const LONG_MS = 60_000;
/** Longer than between two looks, or two tries to keep the lock. */
const OFTEN_MS = 700;
const LOOKS_MAX = 20;

/** A database with one lock, which another process has at first; the limits are long where a test says nothing. */
function stage(
  options: MemberTurnLimits & { readonly rehearse?: MemberTurnParts['rehearse'] } = {},
) {
  const world = {
    isAnothers: true,
    silentMs: 0 as number | null,
    isConnected: true,
    isBroken: false,
    holder: null as object | null,
  };
  const seen = { checks: 0, rehearsals: 0, said: [] as string[] };
  const newSession = () => {
    const session = {
      query: async (text: string) => {
        if (world.isBroken) throw new Error('Connection terminated');
        if (text.includes('pg_locks')) {
          return world.isAnothers ? [{ silent_ms: world.silentMs }] : [];
        }
        if (!world.isAnothers) world.holder = session;
        return [{ taken: world.holder === session }];
      },
    };
    return session as unknown as WriterSession;
  };
  let session = newSession();
  const write = (line: string) => void seen.said.push((JSON.parse(line) as { msg: string }).msg);
  const turn = new MemberTurn(
    {
      link: {
        get isConnected() {
          return world.isConnected;
        },
        check: async () => void (seen.checks += 1),
        session: async () => session,
      },
      rehearse: options.rehearse ?? (async () => void (seen.rehearsals += 1)),
      log: createLogger({ service: 'test', level: 'info', destination: { write } }),
      beat: () => undefined,
    },
    { group: 'billing', instanceId: 'place-1' },
    { silentMaxMs: LONG_MS, goneMs: LONG_MS, ...options },
  );
  const renew = () => {
    world.holder = null;
    session = newSession();
  };
  const leave = () => {
    world.isAnothers = false;
    turn.heardGoodbye('place-1');
  };
  onTestFinished(() => turn.stop());
  return { turn, world, seen, renew, leave, holds: () => world.holder === session };
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const going = () => new AbortController().signal;

test('a free place is taken at once, and nothing is said', async () => {
  const { turn, world, seen, holds } = stage();
  world.isAnothers = false;
  await turn.come(going());
  expect(seen).toMatchObject({ rehearsals: 0, said: [] });
  expect(holds()).toBe(true);
});

test('it stands by while another process has the place, rehearses once, says so once, and comes at its goodbye', async () => {
  const { turn, seen, leave, holds } = stage();
  const coming = turn.come(going());
  await pause(OFTEN_MS);
  expect(turn.standsBy).toBe(true);
  leave();
  await coming;
  expect(turn.standsBy).toBe(false);
  expect(seen).toMatchObject({ rehearsals: 1, said: [STANDING_BY] });
  expect(holds()).toBe(true);
});

test('a goodbye may be heard before the place is free', async () => {
  const { turn, world, holds } = stage();
  const coming = turn.come(going());
  await pause(50);
  turn.heardGoodbye('place-1');
  await pause(100);
  world.isAnothers = false;
  await coming;
  expect(holds()).toBe(true);
});

test('a place that is free without a goodbye of its own stays free for the one that lost it with its session', async () => {
  const { turn, world, seen, leave } = stage();
  const coming = turn.come(going());
  await pause(50);
  world.isAnothers = false;
  turn.heardGoodbye('place-2');
  await pause(OFTEN_MS);
  expect({ standsBy: turn.standsBy, holder: world.holder }).toEqual({
    standsBy: true,
    holder: null,
  });
  world.isAnothers = true;
  await pause(OFTEN_MS);
  expect(seen.said).toEqual([STANDING_BY]);
  leave();
  await coming;
});

test('nobody who lost it comes back: it is taken after a while', async () => {
  const { turn, world, seen } = stage({ goneMs: 100 });
  const coming = turn.come(going());
  await pause(50);
  world.isAnothers = false;
  await coming;
  expect(seen.said).toEqual([STANDING_BY]);
});

test('one that gives signs of life is waited for, however long; after the last of them only so long', async () => {
  const { turn, world, seen } = stage({ silentMaxMs: 100 });
  const coming = turn.come(going());
  await pause(2 * OFTEN_MS);
  expect(turn.standsBy).toBe(true);
  world.silentMs = LONG_MS;
  await coming;
  expect(seen.said).toEqual([STANDING_BY, OUT_OF_TURN]);
});

test('where the server tells nothing of it, it is waited for as one that gives none', async () => {
  const { turn, world, seen } = stage({ silentMaxMs: 100 });
  world.silentMs = null;
  await turn.come(going());
  expect(seen.said).toEqual([STANDING_BY, OUT_OF_TURN]);
});

test.each(['isConnected', 'isBroken'] as const)(
  'a database that does not say is asked now and then, holds nobody up for longer, and nobody is said to have the place: %s',
  async (what) => {
    const { turn, world, seen } = stage({ silentMaxMs: 300 });
    world[what] = what === 'isBroken';
    await turn.come(going());
    expect(seen).toMatchObject({ rehearsals: 0, said: [OUT_OF_TURN] });
    expect(seen.checks).toBeLessThan(LOOKS_MAX);
  },
);

test('it is ready once it has rehearsed, and asks nothing of the session meanwhile', async () => {
  const rehearsed = Promise.withResolvers<void>();
  const { turn, world, leave } = stage({ rehearse: () => rehearsed.promise });
  const coming = turn.come(going());
  await pause(30);
  leave();
  await pause(30);
  expect({ standsBy: turn.standsBy, holder: world.holder }).toEqual({
    standsBy: false,
    holder: null,
  });
  rehearsed.resolve();
  await coming;
});

test('what a first claim would end the process with ends it while the other one counts', async () => {
  const { turn } = stage({ rehearse: async () => Promise.reject(new Error('another share')) });
  await expect(turn.come(going())).rejects.toThrow('another share');
});

test('who is stopped stands by no longer, and does not come', async () => {
  const { turn } = stage();
  const stopping = new AbortController();
  const coming = turn.come(stopping.signal);
  stopping.abort();
  await expect(coming).rejects.toBeInstanceOf(Abandoned);
  expect(turn.standsBy).toBe(false);
});

test('it takes the lock again with a session that is opened anew, and later where it came out of turn', async () => {
  const { turn, world, renew, holds } = stage({ silentMaxMs: 20 });
  world.silentMs = LONG_MS;
  await turn.come(going());
  turn.start();
  world.isAnothers = false;
  await pause(OFTEN_MS);
  expect(holds()).toBe(true);
  renew();
  expect(holds()).toBe(false);
  await pause(OFTEN_MS);
  expect(holds()).toBe(true);
});
