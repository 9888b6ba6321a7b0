import { wholeAudit } from '@adtally/analytics';
import { recordsBehind, recount, type Recount, type World } from '@adtally/breaking-run';
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
    await untilDrained(world);
    // Meanwhile the rollups go on, which the other counts look at too.
    const books = await recount({ ...world, db }, expected, false);
    await untilSummedUp(db, endedMs);
    return await judged(world, db, books, gaps);
  } finally {
    await db.destroy();
  }
}

const LIMIT = { timeoutMs: DRAIN_LIMIT_MS, intervalMs: POLL_MS };

async function untilDrained(world: World): Promise<void> {
  const isDrained = async () =>
    [...(await recordsBehind(world)).values()].every((records) => records === 0);
  await waitFor(isDrained, { what: 'every record to be counted', ...LIMIT });
}

/** The frontier moves in steps of a cohort: half a minute. */
async function untilSummedUp(db: Database, endedMs: number): Promise<void> {
  const isSummedUp = async () => {
    const { frontierMs, waitingNotes, waitingBases, unclaimedVersions } = await readFreshness(db);
    return frontierMs > endedMs && waitingNotes + waitingBases + unclaimedVersions === 0;
  };
  await waitFor(isSummedUp, { what: 'the rollups to be brought up to date', ...LIMIT });
}

async function judged(world: World, db: Database, books: Recount, gaps: number): Promise<Verdict> {
  const problems: string[] = [];
  const [audit, anew] = await Promise.all([
    wholeAudit(db, { rollups: { full: true } }),
    recountAnew(['rows', '--json'], environmentOf(world)),
  ]);
  if (!books.isRight) problems.push(books.verdict);
  const broken = audit.checks.filter(({ ok }) => !ok);
  for (const { id, name, offending } of broken) {
    problems.push(`audit: ${id} (${name}): ${offending[0]?.detail ?? ''}`);
  }
  const told = Number(audit.totals.gap);
  if (told !== gaps) problems.push(`${told} offsets told as gaps, ${gaps} are`);
  if (!audit.complete) problems.push('a partition stands still');
  problems.push(...problemsOfRecount(anew));
  return {
    books: books.verdict,
    audit: `${audit.checks.length - broken.length} of ${audit.checks.length} checks hold`,
    recount: problemsOfRecount(anew).length === 0 ? wordsOf(anew.stdout) : 'does not agree',
    gaps: told,
    problems,
  };
}

/** What says where caches and packages are is as everywhere; which servers there are is the world's. */
function environmentOf({ servers, names }: World): NodeJS.ProcessEnv {
  const others = Object.entries(process.env).filter(([name]) => !/^(?:KAFKA|DATABASE)_/.test(name));
  const url = servers.database.adminUrl(names.database);
  const brokers = servers.kafka.internalBrokers;
  return { ...Object.fromEntries(others), DATABASE_URL: url, KAFKA_BROKERS: brokers };
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
