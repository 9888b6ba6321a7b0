import { readFileSync } from 'node:fs';
import type { Exit, ServiceProcess } from '@adtally/testkit';
import type { AtPlace } from './gate-env.ts';
import { patiently } from './patiently.ts';
import { armed, keyOf, targetOf, type Target } from './target.ts';
import type { World } from './world.ts';

export interface CrashResult extends Target {
  /** What the process said and how it ended: the evidence that it happened there. */
  readonly evidence: string;
  readonly problems: readonly string[];
}

/** What one process told: the moment in which it went, or that it never came there. */
export interface Outcome {
  readonly target: Target;
  /** All places of that moment; null where it ended before its place. */
  readonly moment: readonly Target[] | null;
  readonly evidence: string;
  readonly problems: readonly string[];
}

export interface ChainOptions {
  /** Whether it need not be done any more: a process went in the same moment. */
  readonly isDone: (target: Target) => boolean;
  /** Told as soon as a process went: what is wrong is known only later. */
  readonly onMoment: (target: Target, moment: readonly Target[]) => void;
  readonly onOutcome: (outcome: Outcome) => void;
}

const ATTEMPTS_MAX = 2;
const NOT_REACHED = 'it ended before its place';

/** The line that a process writes right before it goes. */
function said(process: ServiceProcess, target: Target): readonly Target[] | undefined {
  const entry = process.entries.find(
    (one) => one.msg === 'at place' && one['name'] === target.name && one['side'] === target.side,
  );
  return (entry as unknown as AtPlace | undefined)?.moment.map(targetOf);
}

/**
 * One process after the other, each killed at its place and heir of the one before; after each the audit. So every
 * process but the first also recovers, and is killed while it does.
 */
export async function killChain(
  world: World,
  targets: readonly Target[],
  { isDone, onMoment, onOutcome }: ChainOptions,
): Promise<void> {
  const outcomes: Outcome[] = [];
  for (const target of targets) {
    if (isDone(target)) continue;
    const outcome = await killAt(world, target);
    outcomes.push(outcome);
    if (outcome.moment !== null) onMoment(target, outcome.moment);
  }
  if (outcomes.length === 0) return;
  // Told only now: totals that are wrong are of all of them.
  const wrong = await concluded(world).then(
    () => [],
    (error: unknown) => [String(error)],
  );
  for (const outcome of outcomes) {
    onOutcome({ ...outcome, problems: [...outcome.problems, ...wrong] });
  }
}

/** What an heir has to finish first need not pass the place: then another one does. */
async function killAt(world: World, target: Target): Promise<Outcome> {
  let words = '';
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt += 1) {
    await world.feed();
    const process = await world.start(armed(target, 'SIGKILL'));
    // A place of the way out is passed once the work is done and the process is told to end.
    const isOver = world
      .settled(process)
      .then(() => world.end(process))
      .catch(() => process.kill());
    const { killedBy, code } = await process.ended;
    await isOver;
    const problems = await world.unbalanced();
    const moment = said(process, target);
    if (killedBy === 'SIGKILL' && moment !== undefined)
      return { target, moment, evidence: 'said so, ended by SIGKILL', problems };
    words = process.lastWords;
    if (code !== 0 || problems.length > 0) {
      const how = [...problems, `code ${code}, ${killedBy}`, words];
      return { target, moment: null, evidence: NOT_REACHED, problems: how };
    }
  }
  return { target, moment: null, evidence: NOT_REACHED, problems: [] };
}

/** The last heir does what is left; then every total is that of the books. */
async function concluded(world: World): Promise<void> {
  const heir = await world.start({});
  await world.settled(heir);
  const { code, stderr } = await world.end(heir);
  const wrong = [...(await world.unbalanced()), ...(await world.differences())];
  if (code !== 0) wrong.push(`the last heir ended with code ${code}: ${stderr.slice(-2_000)}`);
  if (wrong.length > 0) throw new Error(wrong.join('\n'));
}

/** The letter Linux gives a process' state: T is stopped. */
function stateOf(pid: number): string | undefined {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2)[0];
}

/**
 * Each stopped at its place; an heir takes over and does the work that is there, then the stopped one goes on beside
 * it as a zombie, with new work for both. Both end in order, and the totals are exact each time.
 */
export async function stopChain(
  world: World,
  targets: readonly Target[],
  { isDone, onMoment, onOutcome }: ChainOptions,
): Promise<void> {
  for (const target of targets) {
    if (isDone(target)) continue;
    const outcome = await stopAt(world, target);
    if (outcome.moment !== null) onMoment(target, outcome.moment);
    onOutcome(outcome);
  }
}

async function stopAt(world: World, target: Target): Promise<Outcome> {
  await world.feed();
  const zombie = await world.start(armed(target, 'SIGSTOP'));
  const problems: string[] = [];
  let moment: readonly Target[] | null = null;
  try {
    const end = onceEnded(world, zombie);
    if (!(await isStopped(world, zombie, target, end)))
      return { target, moment, evidence: NOT_REACHED, problems };
    moment = said(zombie, target) ?? null;
    await world.takeAway?.();
    const heir = await world.start({});
    await world.settled(heir);
    zombie.signal('SIGCONT');
    await world.feed();
    await world.settled(heir);
    const [own, late] = await Promise.all([world.end(heir), end()]);
    for (const { code, killedBy, stderr } of world.mayZombieFail === true ? [own] : [own, late])
      if (code !== 0) problems.push(`ended with ${code ?? killedBy}: ${stderr.slice(-2_000)}`);
    problems.push(...(await world.unbalanced()), ...(await world.differences()));
  } catch (error) {
    await zombie.kill();
    problems.push((error as Error).message);
  }
  const evidence = moment === null ? NOT_REACHED : 'said so, state T';
  return { target, moment, evidence, problems };
}

/** A second signal would end a service at once. */
function onceEnded(world: World, process: ServiceProcess): () => Promise<Exit> {
  let ended: Promise<Exit> | undefined;
  return () => (ended ??= world.end(process));
}

/**
 * A place of the way out is passed once the work is done and the process is told to end; one that stands is not told.
 * False where it ended in order without passing the place.
 */
async function isStopped(
  world: World,
  process: ServiceProcess,
  target: Target,
  end: () => Promise<Exit>,
): Promise<boolean> {
  const stands = patiently(
    process,
    `stopped at ${keyOf(target)}`,
    async () => said(process, target) !== undefined && stateOf(process.pid) === 'T',
  ).then(
    () => true,
    async (error: unknown) => {
      const { code } = await process.kill();
      if (code !== 0) throw error;
      return false;
    },
  );
  const isPast = world.settled(process).then(() => {
    if (said(process, target) === undefined) void end();
    return stands;
  });
  return await Promise.race([stands, isPast]);
}
