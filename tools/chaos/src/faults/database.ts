import { APP_ROLE, type World } from '@adtally/breaking-run';
import { answersCommit, type Match, sendsCommit } from '@adtally/testkit';
import type { Fault } from '../fault.ts';
import { halfOpenWay, slowWay } from './ways.ts';

/** The oldest: a pooled one that lives on, while those of one question come and go. */
const SESSION = `SELECT pid FROM pg_stat_activity WHERE usename = '${APP_ROLE}' ORDER BY backend_start LIMIT 1`;
/** Lives as long as the server without a crash, and is another one after it. */
const CHECKPOINTER = `SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'`;

async function pidOf({ servers, names }: World, question: string): Promise<number | undefined> {
  const [row] = await servers.database.ask(names.database, question);
  return row === undefined ? undefined : Number(row['pid']);
}

/** False where it ended by itself in that moment, or nobody is connected. */
function kill(pid: number | undefined): boolean {
  if (pid === undefined) return false;
  try {
    return process.kill(pid, 'SIGKILL');
  } catch {
    return false;
  }
}

const sessionKilled: Fault = {
  name: 'postgres-session-killed',
  what: "one session's server process killed (SIGKILL): PostgreSQL ends all and recovers",
  takes: ['postgres', 'postgres-way'],
  needsFlow: true,
  seconds: [2, 6],
  start: async ({ world }) => {
    const before = await pidOf(world, CHECKPOINTER);
    let killed: number | undefined;
    return {
      evidence: async () => {
        const now = await pidOf(world, CHECKPOINTER);
        if (now === undefined) return undefined;
        if (now !== before) return `after ${killed} was killed the server began anew`;
        const pid = await pidOf(world, SESSION);
        if (kill(pid)) killed = pid;
        return undefined;
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

const WAY = {
  takes: ['postgres-way'],
  proxy: ({ servers }: World) => servers.database.proxy,
} as const;
const LATE_MAX_MS = 300;

export const DATABASE_FAULTS: readonly Fault[] = [
  sessionKilled,
  commitsUnanswered,
  slowWay(
    {
      ...WAY,
      name: 'postgres-slow',
      what: 'whatever goes to PostgreSQL and comes from it is 50 to 300 ms late',
      seconds: [8, 25],
    },
    LATE_MAX_MS,
  ),
  halfOpenWay({
    ...WAY,
    name: 'postgres-half-open',
    what: 'what PostgreSQL sends is dropped on connections that stay open',
    seconds: [4, 15],
  }),
];
