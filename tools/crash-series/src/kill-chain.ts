import {
  ATTEMPTS_MAX,
  lingered,
  NOT_REACHED,
  said,
  type ChainOptions,
  type Outcome,
} from './chain.ts';
import type { Passed } from './passage.ts';
import { armed } from './target.ts';
import type { World } from './world.ts';

/**
 * One process after the other, each killed at its place and heir of the one before; after each the audit. So every
 * process but the first also recovers, and is killed while it does.
 */
export async function killChain(
  world: World,
  targets: readonly Passed[],
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

async function killAt(world: World, target: Passed): Promise<Outcome> {
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt += 1) {
    await world.feed();
    const process = await world.start(armed(target, 'SIGKILL'));
    // A place of the way out is passed once the work is done and the process is told to end.
    const isOver = world
      .settled(process)
      .then(() => lingered(process, target))
      .then(() => world.end(process))
      .catch(() => process.kill());
    const { killedBy, code } = await process.ended;
    await isOver;
    const problems = await world.unbalanced();
    const moment = said(process, target);
    if (killedBy === 'SIGKILL' && moment !== undefined)
      return { target, moment, evidence: 'said so, ended by SIGKILL', problems };
    const words = process.lastWords;
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
