import { APP_ROLE } from '@adtally/breaking-run';
import { answersCommit, type Match, sendsCommit } from '@adtally/testkit';
import type { Fault } from '../fault.ts';

const SESSION = `SELECT pid FROM pg_stat_activity WHERE usename = '${APP_ROLE}' ORDER BY backend_start DESC LIMIT 1`;

const sessionKilled: Fault = {
  name: 'postgres-session-killed',
  what: "one session's server process killed (SIGKILL): PostgreSQL ends all and recovers",
  takes: ['postgres', 'postgres-way'],
  needsFlow: true,
  seconds: [2, 6],
  start: async ({ world: { servers, names } }) => {
    const ask = async (text: string) => (await servers.database.ask(names.database, text))[0] ?? {};
    const { pid } = await ask(SESSION);
    process.kill(Number(pid), 'SIGKILL');
    return {
      evidence: async () => {
        const [row] = await servers.database.ask(
          names.database,
          `SELECT FROM pg_stat_activity WHERE pid = ${Number(pid)}`,
        );
        return row === undefined ? `process ${String(pid)} is gone` : undefined;
      },
      heal: async () => undefined,
    };
  },
};

const commitsUnanswered: Fault = {
  name: 'commits-unanswered',
  what: 'the answers to COMMIT lost with their connections, one after the other: who sent it cannot know',
  takes: ['postgres', 'postgres-way'],
  needsFlow: true,
  seconds: [5, 12],
  start: async ({ world: { servers } }) => {
    const over = new AbortController();
    let caught = 0;
    const isWanted: Match = (bytes) => !over.signal.aborted && sendsCommit(bytes);
    const trap = async (): Promise<void> => {
      while (!over.signal.aborted) {
        await servers.database.proxy.cutBeforeAnswerTo(isWanted, answersCommit);
        caught += 1;
      }
    };
    void trap();
    return {
      evidence: async () => (caught > 0 ? `${caught} answers lost by now` : undefined),
      heal: async () => over.abort(),
    };
  },
};

const slow: Fault = {
  name: 'postgres-slow',
  what: 'whatever goes to PostgreSQL and comes from it is 50 to 300 ms late',
  takes: ['postgres-way'],
  seconds: [8, 25],
  start: async ({ world: { servers }, rng }) => {
    const { proxy } = servers.database;
    const before = proxy.delayed;
    const lateMs = 50 + rng.below(250);
    proxy.delay(lateMs);
    return {
      evidence: async () => {
        const late = proxy.delayed - before;
        return late > 0 ? `${late} chunks were ${lateMs} ms late by now` : undefined;
      },
      heal: async () => proxy.delay(0),
    };
  },
};

const halfOpen: Fault = {
  name: 'postgres-half-open',
  what: 'what PostgreSQL sends is dropped on connections that stay open',
  takes: ['postgres-way'],
  stopsFlow: true,
  seconds: [4, 15],
  start: async ({ world: { servers } }) => {
    const { proxy } = servers.database;
    const before = proxy.dropped;
    proxy.onServerData(() => 'drop');
    return {
      evidence: async () => {
        const dropped = proxy.dropped - before;
        return dropped > 0 ? `${dropped} chunks dropped by now` : undefined;
      },
      heal: async () => {
        proxy.onServerData(undefined);
        // A stream with a hole in it is no stream: such a connection ends by a reset.
        proxy.cutAll();
      },
    };
  },
};

export const DATABASE_FAULTS: readonly Fault[] = [sessionKilled, commitsUnanswered, slow, halfOpen];
