import { readFileSync } from 'node:fs';
import type { ServiceProcess } from '@adtally/testkit';
import { GATE_ENV, type Side } from './gate.ts';
import { patiently } from './patiently.ts';
import type { World } from './world.ts';

/** Where a process is to be ended or stopped. */
export interface Target {
  readonly name: string;
  readonly side: Side;
}

export interface CrashResult extends Target {
  /** What the process said and how it ended: the evidence that it happened there. */
  readonly evidence: string;
  readonly problems: readonly string[];
}

const ATTEMPTS_MAX = 3;
const NOT_REACHED = 'it ended before its place';

function armed({ name, side }: Target, signal: 'SIGKILL' | 'SIGSTOP'): Record<string, string> {
  return { [GATE_ENV.place]: name, [GATE_ENV.side]: side, [GATE_ENV.signal]: signal };
}

/** The line that a process writes right before it goes. */
function said(process: ServiceProcess, { name, side }: Target): boolean {
  return process.entries.some(
    (entry) => entry.msg === 'at place' && entry['name'] === name && entry['side'] === side,
  );
}

/**
 * One process after the other, each killed at its place and heir of the one before; after each the audit. So every
 * process but the first also recovers, and is killed while it does.
 */
export async function killChain(
  world: World,
  targets: readonly Target[],
  onResult: (result: CrashResult) => void,
): Promise<void> {
  const results: CrashResult[] = [];
  for (const target of targets) results.push(await killAt(world, target));
  // Told only now: totals that are wrong are of all of them.
  const wrong = await concluded(world).then(
    () => [],
    (error: unknown) => [String(error)],
  );
  for (const result of results) {
    onResult({ ...result, problems: [...result.problems, ...wrong] });
  }
}

/** What an heir has to finish first need not pass the place: then another one does. */
async function killAt(world: World, target: Target): Promise<CrashResult> {
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
    if (killedBy === 'SIGKILL' && said(process, target))
      return { ...target, evidence: 'said so, ended by SIGKILL', problems };
    if (code !== 0 || problems.length > 0)
      return {
        ...target,
        evidence: NOT_REACHED,
        problems: [...problems, `code ${code}, ${killedBy}`, process.lastWords],
      };
    words = process.lastWords;
  }
  return { ...target, evidence: NOT_REACHED, problems: [NOT_REACHED, words] };
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
  onResult: (result: CrashResult) => void,
): Promise<void> {
  for (const target of targets) {
    await world.feed();
    const zombie = await world.start(armed(target, 'SIGSTOP'));
    const problems: string[] = [];
    let evidence = NOT_REACHED;
    const isStopped: Promise<void> = patiently(
      zombie,
      `stopped at ${target.name}`,
      async () => said(zombie, target) && stateOf(zombie.pid) === 'T',
    );
    try {
      await Promise.race([isStopped, pastItsWork(world, zombie, target).then(() => isStopped)]);
      evidence = 'said so, state T';
      const heir = await world.start({});
      await world.settled(heir);
      zombie.signal('SIGCONT');
      await world.feed();
      await world.settled(heir);
      const exits = await Promise.all([world.end(heir), world.end(zombie)]);
      for (const { code, killedBy, stderr } of exits)
        if (code !== 0) problems.push(`ended with ${code ?? killedBy}: ${stderr.slice(-2_000)}`);
      problems.push(...(await world.unbalanced()), ...(await world.differences()));
    } catch (error) {
      await zombie.kill();
      problems.push((error as Error).message);
    }
    onResult({ ...target, evidence, problems });
  }
}

/** A place of the way out is passed once the work is done and the process is told to end; one that stands is not told. */
async function pastItsWork(world: World, process: ServiceProcess, target: Target): Promise<void> {
  await world.settled(process);
  if (!said(process, target)) await world.end(process);
}
