import type { WriterSession } from '@adtally/db';
import { Abandoned } from '@adtally/pacing';
import { createLogger } from '@adtally/telemetry';
import { expect, onTestFinished, test } from 'vitest';
import { MemberTurn, type MemberTurnLimits, type MemberTurnParts } from './member-turn.ts';

const STANDING_BY = 'standing by until the process that is this member leaves';
const OUT_OF_TURN = 'joining the group out of turn';
const LONG_MS = 60_000;
const OFTEN_MS = 700;

/** A database with one lock, which another process has at first where it says so. */
function stage(
  options: Partial<MemberTurnLimits> & { readonly rehearse?: MemberTurnParts['rehearse'] } = {},
) {
  const world = {
    isAnothers: true,
    isConnected: true,
    isBroken: false,
    holder: null as object | null,
  };
  const seen = { beats: 0, rehearsals: 0, said: [] as string[] };
  const newSession = () => {
    const session = {
      query: async (text: string) => {
        if (world.isBroken) throw new Error('Connection terminated');
        if (text.includes('unlock')) world.holder = null;
        else if (!world.isAnothers && (world.holder ?? session) === session) world.holder = session;
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
        check: async () => undefined,
        session: async () => session,
      },
      rehearse:
        options.rehearse ??
        (async () => {
          seen.rehearsals += 1;
        }),
      log: createLogger({ service: 'test', level: 'info', destination: { write } }),
      beat: () => (seen.beats += 1),
    },
    { group: 'billing', instanceId: 'place-1' },
    { waitMaxMs: LONG_MS, goneMs: LONG_MS, ...options },
  );
  const renew = () => {
    world.holder = null;
    session = newSession();
  };
  onTestFinished(() => turn.stop());
  return { turn, world, seen, renew, holds: () => world.holder === session };
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

test('a free place is taken at once, and nothing is said', async () => {
  const { turn, world, seen, holds } = stage();
  world.isAnothers = false;
  await turn.come(new AbortController().signal);
  expect(seen).toEqual({ beats: 0, rehearsals: 0, said: [] });
  expect(holds()).toBe(true);
});

test('it stands by while another process has the place, rehearses once, says so once, and comes after its goodbye', async () => {
  const { turn, world, seen, holds } = stage();
  const coming = turn.come(new AbortController().signal);
  await pause(50);
  expect(turn.standsBy).toBe(true);
  turn.heard();
  world.isAnothers = false;
  await coming;
  expect(turn.standsBy).toBe(false);
  expect(seen).toMatchObject({ rehearsals: 1, said: [STANDING_BY] });
  expect(holds()).toBe(true);
});

test('a place that is free without a goodbye stays free for the one that lost it with its session', async () => {
  const { turn, world, seen } = stage();
  const coming = turn.come(new AbortController().signal);
  await pause(50);
  world.isAnothers = false;
  await pause(100);
  world.isAnothers = true;
  await pause(100);
  expect(turn.standsBy).toBe(true);
  expect(seen.said).toEqual([STANDING_BY]);
  turn.heard();
  world.isAnothers = false;
  await coming;
});

test('nobody who lost it comes back: it is taken after a while, goodbye or not', async () => {
  const { turn, world, seen } = stage({ goneMs: 100 });
  const coming = turn.come(new AbortController().signal);
  await pause(50);
  world.isAnothers = false;
  await coming;
  expect(seen.said).toEqual([STANDING_BY]);
});

test('a place that never becomes free is waited for only so long', async () => {
  const { turn, seen } = stage({ waitMaxMs: 50 });
  await turn.come(new AbortController().signal);
  expect(seen.said).toEqual([STANDING_BY, OUT_OF_TURN]);
});

test.each(['isConnected', 'isBroken'] as const)(
  'a database that does not say is asked now and then, holds nobody up for longer, and nobody is said to have the place: %s',
  async (what) => {
    const { turn, world, seen } = stage({ waitMaxMs: 200 });
    world[what] = what === 'isBroken';
    await turn.come(new AbortController().signal);
    expect(seen).toMatchObject({ rehearsals: 0, said: [OUT_OF_TURN] });
  },
);

test('it is ready once it has rehearsed, and asks nothing of the session meanwhile', async () => {
  const rehearsed = Promise.withResolvers<void>();
  const { turn, world } = stage({ rehearse: () => rehearsed.promise });
  const coming = turn.come(new AbortController().signal);
  turn.heard();
  await pause(30);
  world.isAnothers = false;
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
  await expect(turn.come(new AbortController().signal)).rejects.toThrow('another share');
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
  const { turn, world, renew, holds } = stage({ waitMaxMs: 20 });
  await turn.come(new AbortController().signal);
  turn.start();
  world.isAnothers = false;
  await pause(OFTEN_MS);
  expect(holds()).toBe(true);
  renew();
  expect(holds()).toBe(false);
  await pause(OFTEN_MS);
  expect(holds()).toBe(true);
});
