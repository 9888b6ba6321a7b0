import { readFileSync } from 'node:fs';
import { EXIT } from '@adtally/command-line';
import { waitFor, type Exit, type ServiceProcess } from '@adtally/testkit';
import {
  ATTEMPTS_MAX,
  lingered,
  NOT_REACHED,
  said,
  type ChainOptions,
  type Outcome,
} from './chain.ts';
import { MESSAGES } from './gate-env.ts';
import type { Passed } from './passage.ts';
import { PATIENCE_MS, patiently } from './patiently.ts';
import { armed, keyOf, type Target } from './target.ts';
import type { World } from './world.ts';

/** What a failure is logged as that no code knows: a zombie meets none. */
const UNEXPECTED = /"msg":"unexpected/;
const STDERR_MAX = 2_000;
const STOPPED = 'T';
const STOOD = 'stood still until an heir had done the work';

/** The letter Linux gives a process' state. */
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
  targets: readonly Passed[],
  { isDone, onMoment, onOutcome }: ChainOptions,
): Promise<void> {
  for (const target of targets) {
    if (isDone(target)) continue;
    const outcome = await stopAt(world, target);
    if (outcome.moment !== null) onMoment(target, outcome.moment);
    onOutcome(outcome);
  }
}

/** As `stopOnce`, by another process where the first one had something else to finish and ended before its place. */
async function stopAt(world: World, target: Passed): Promise<Outcome> {
  for (let attempt = 1; ; attempt += 1) {
    const outcome = await stopOnce(world, target);
    const { moment, problems } = outcome;
    if (moment !== null || problems.length > 0 || attempt === ATTEMPTS_MAX) return outcome;
  }
}

async function stopOnce(world: World, target: Passed): Promise<Outcome> {
  await world.feed();
  const zombie = await world.start(armed(target, 'SIGSTOP'));
  const problems: string[] = [];
  let moment: readonly Target[] | null = null;
  let evidence = NOT_REACHED;
  try {
    const end = onceEnded(world, zombie);
    if (!(await isStopped(world, zombie, target, end)))
      return { target, moment, evidence, problems };
    moment = said(zombie, target) ?? null;
    const claims = await world.claims?.();
    const ended = await world.takeAway?.();
    const heir = await world.start({});
    await world.settled(heir);
    const claimsNow = await overtaken(world, heir, claims);
    // So all of that was the heir's work.
    if (stateOf(zombie.pid) !== STOPPED) problems.push('it did not stand still until then');
    zombie.signal('SIGCONT');
    await world.feed();
    await world.settled(heir);
    await wentOn(zombie);
    const [own, late] = await Promise.all([world.end(heir), end()]);
    problems.push(...(own.code === 0 ? [] : [endOf(own)]), ...wrongEnd(world, late));
    problems.push(...(await world.unbalanced()), ...(await world.differences()));
    const fence =
      claims === undefined ? `sessions ended: ${ended}` : `claims from ${claims} to ${claimsNow}`;
    evidence = `said so, ${STOOD} (${fence}), ${heardFrom(zombie, late)}`;
  } catch (error) {
    await zombie.kill();
    problems.push((error as Error).message);
  }
  return { target, moment, evidence, problems };
}

/** Waits until a zombie has done something of its own, or is through: told to end at once it need not do anything. */
async function wentOn(zombie: ServiceProcess): Promise<void> {
  let hasEnded = false;
  void zombie.ended.then(() => (hasEnded = true));
  const isOn = () => hasEnded || zombie.entries.some(({ msg }) => msg === MESSAGES.wentOn);
  await waitFor(isOn, { what: `it goes on\n${zombie.lastWords}`, timeoutMs: PATIENCE_MS });
}

/** Where nothing was left to do an heir has settled before it claims anything. */
async function overtaken(
  world: World,
  heir: ServiceProcess,
  claims: number | undefined,
): Promise<number | undefined> {
  if (claims === undefined) return undefined;
  let now = claims;
  await patiently(heir, 'its claim', async () => {
    now = (await world.claims?.()) ?? claims;
    return now > claims;
  });
  return now;
}

function endOf({ code, killedBy, stderr }: Exit): string {
  return `ended with ${code ?? killedBy}: ${stderr.slice(-STDERR_MAX)}`;
}

/** A service ends in order; a job may find that its session is gone, and says so. */
function wrongEnd({ mayZombieFail }: World, exit: Exit): string[] {
  const { code, stderr } = exit;
  const isAsExpected = mayZombieFail === true ? code !== null && code !== EXIT.failure : code === 0;
  return isAsExpected && !UNEXPECTED.test(stderr) ? [] : [endOf(exit)];
}

/** How it ended after it went on, and what it had to warn of before that: that it was overtaken, where it was at work. */
function heardFrom({ entries }: ServiceProcess, { code, stderr }: Exit): string {
  const since = entries.slice(entries.findIndex(({ msg }) => msg === MESSAGES.atPlace) + 1);
  const warned = since.filter(({ level }) => level === 'warn').map(({ msg }) => msg);
  const lines = stderr.split('\n').filter((line) => line !== '' && !line.startsWith('{'));
  const words = [...new Set([...warned, ...lines.slice(-1)])].map((word) => `"${word}"`);
  return [`went on and ended with code ${code}`, ...words].join(', ');
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
  target: Passed,
  end: () => Promise<Exit>,
): Promise<boolean> {
  const stands = patiently(
    process,
    `stopped at ${keyOf(target)}`,
    async () => said(process, target) !== undefined && stateOf(process.pid) === STOPPED,
  ).then(
    () => true,
    async (error: unknown) => {
      const { code } = await process.kill();
      if (code !== 0) throw error;
      return false;
    },
  );
  const isPast = world.settled(process).then(async () => {
    await lingered(process, target);
    if (said(process, target) === undefined) void end();
    return stands;
  });
  return await Promise.race([stands, isPast]);
}
