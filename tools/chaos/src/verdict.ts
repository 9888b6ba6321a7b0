import { wholeAudit } from '@adtally/analytics';
import { type Expected, recordsBehind, recount, type World } from '@adtally/breaking-run';
import type { Database } from '@adtally/db';
import { recount as recountAnew } from '@adtally/recount';
import { readFreshness } from '@adtally/system-metrics';
import { waitFor } from '@adtally/testkit';

/** What the world came to in the end, by four who count for themselves. */
export interface Verdict {
  /** The producer's books against the tables. */
  readonly books: string;
  /** How many checks of the audit hold, that of the rollups against a recompute of every base among them. */
  readonly audit: string;
  /** What the recount in Python says, from the topic. */
  readonly recount: string;
  readonly gaps: number;
  readonly problems: readonly string[];
}

const DRAIN_LIMIT_MS = 300_000;
const POLL_MS = 500;

/** Ends the load, waits until all is counted and summed up, and counts anew. */
export async function verdictOf(world: World, gaps: number): Promise<Verdict> {
  const expected = await world.load.end();
  const endedMs = Date.now();
  const db = world.servers.database.admin(world.names.database, { statementTimeoutMs: 0 });
  try {
    await untilSettled(world, db, endedMs);
    return await judged(world, db, expected, gaps);
  } finally {
    await db.destroy();
  }
}

async function untilSettled(world: World, db: Database, endedMs: number): Promise<void> {
  const limit = { timeoutMs: DRAIN_LIMIT_MS, intervalMs: POLL_MS };
  const isDrained = async () =>
    [...(await recordsBehind(world)).values()].every((records) => records === 0);
  await waitFor(isDrained, { what: 'every record to be counted', ...limit });
  const isSummedUp = async () => {
    const { frontierMs, waitingNotes, waitingBases, unclaimedVersions } = await readFreshness(db);
    return frontierMs > endedMs && waitingNotes + waitingBases + unclaimedVersions === 0;
  };
  await waitFor(isSummedUp, { what: 'the rollups to be brought up to date', ...limit });
}

async function judged(
  world: World,
  db: Database,
  expected: Expected,
  gaps: number,
): Promise<Verdict> {
  const problems: string[] = [];
  const books = await recount(world, expected, false);
  if (!books.isRight) problems.push(books.verdict);
  const audit = await wholeAudit(db, { rollups: { full: true } });
  const broken = audit.checks.filter(({ ok }) => !ok);
  for (const { id, name, offending } of broken) {
    problems.push(`audit: ${id} (${name}): ${offending[0]?.detail ?? ''}`);
  }
  const told = Number(audit.totals.gap);
  if (told !== gaps) problems.push(`${told} offsets told as gaps, ${gaps} are`);
  if (!audit.complete) problems.push('a partition stands still');
  const anew = await recountAnew(['rows', '--json'], environmentOf(world));
  problems.push(...problemsOfRecount(anew));
  return {
    books: books.verdict,
    audit: `${audit.checks.length - broken.length} of ${audit.checks.length} checks hold`,
    recount: problemsOfRecount(anew).length === 0 ? wordsOf(anew.stdout) : 'does not agree',
    gaps: told,
    problems,
  };
}

function environmentOf({ servers, names }: World): NodeJS.ProcessEnv {
  const { PATH, HOME } = process.env;
  const url = servers.database.adminUrl(names.database);
  return { PATH, HOME, DATABASE_URL: url, KAFKA_BROKERS: servers.kafka.internalBrokers };
}

interface Anew {
  readonly what: string;
  readonly differences: readonly string[];
  readonly unknown: readonly string[];
}

function problemsOfRecount({
  code,
  stdout,
  stderr,
}: Awaited<ReturnType<typeof recountAnew>>): string[] {
  if (stdout === '') return [`the recount ended with ${code}: ${stderr.trim()}`];
  const { differences, unknown } = JSON.parse(stdout) as Anew;
  // What it could not tell is not proved.
  return [...differences, ...unknown].map((words) => `recount: ${words}`);
}

function wordsOf(stdout: string): string {
  return `agrees: ${(JSON.parse(stdout) as Anew).what}`;
}
