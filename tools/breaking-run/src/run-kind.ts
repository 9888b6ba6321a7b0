import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { waitFor } from '@adtally/testkit';
import { recordsBehind, WaitClock } from './behind.ts';
import { recount } from './exactness.ts';
import type { Kind, KindResult, Sighting } from './kind.ts';
import { type Look, look } from './look.ts';
import type { Servers } from './servers.ts';
import { Watch } from './watch.ts';
import { isWell, whyNotWell } from './well.ts';
import { makeWorld, type World } from './world.ts';

export interface RunKindOptions {
  /** How long it stays broken; longer where a sighting is still awaited, up to the promises. */
  readonly seconds: number;
  readonly seed: number;
  /** Where to keep what the services log; nowhere where undefined. */
  readonly logs: string | undefined;
}

const CALM_LIMIT_MS = 120_000;
/** Figures of calm work are taken after the leader's figures have settled. */
const CALM_MS = 5_000;
const EVIDENCE_LIMIT_MS = 30_000;
const HEAL_LIMIT_MS = 120_000;
const DRAIN_LIMIT_MS = 120_000;
const POLL_MS = 1_000;
const REASON = 'a breaking run took it away';
/** The promise: a record that waits is visible within these, and its cause named within those. */
const VISIBLE_SECONDS = 15;
const NAMED_SECONDS = 60;

/** Breaks one thing in a fresh world, watches, repairs it, and counts anew. */
export async function runKind(
  servers: Servers,
  kind: Kind,
  options: RunKindOptions,
): Promise<KindResult> {
  const world = await makeWorld(servers, kind.needs ?? {}, options.seed);
  const facts: Facts = {
    evidence: null,
    halted: [],
    exits: [],
    waitedSeconds: 0,
    healedSeconds: null,
    exact: '',
    problems: [],
  };
  let watch: Watch | undefined;
  let clock: WaitClock | undefined;
  try {
    const calm = await becomeCalm(world);
    await kind.prepare?.(world);
    watch = new Watch(world, kind, calm);
    await kind.break(world);
    clock = new WaitClock(world);
    await prove(world, kind, facts);
    while (watch.seconds < options.seconds) await sleep(POLL_MS);
    await watch.stop();
    facts.waitedSeconds = await clock.stop();
    facts.halted = await haltedCodes(world).catch(() => []);
    await kind.heal(world);
    await untilHealed(world, kind, facts);
    await countAnew(world, kind, facts);
  } catch (error) {
    facts.problems.push((error as Error).message);
  } finally {
    facts.exits = exitsOf(world);
    await watch?.stop();
    await clock?.stop();
    await kind.heal(world).catch(() => undefined); // where it failed in between
    await world.close();
    if (options.logs !== undefined) await world.fleet.keepLogs(join(options.logs, kind.name));
  }
  return resultOf(kind, facts, watch);
}

interface Facts {
  evidence: string | null;
  halted: string[];
  exits: string[];
  waitedSeconds: number;
  healedSeconds: number | null;
  exact: string;
  readonly problems: string[];
}

function resultOf(kind: Kind, facts: Facts, watch: Watch | undefined): KindResult {
  const { name, family, what, expects } = kind;
  const [visible, named] = [watch?.visible ?? null, watch?.named ?? null];
  const problems = [...facts.problems];
  // What has worked once waits; it does not end.
  for (const exit of facts.exits) problems.push(`ended by itself: ${exit}`);
  if (facts.evidence === null) problems.push('no evidence of the fault');
  // Nobody need be told of what waited for seconds only.
  const isLong = expects !== 'survives' || facts.waitedSeconds > VISIBLE_SECONDS;
  if (isLong) problems.push(...lateness('visible', visible, VISIBLE_SECONDS));
  if (isLong || kind.isTold === true) problems.push(...lateness('named', named, NAMED_SECONDS));
  if (expects === 'survives' && facts.waitedSeconds > VISIBLE_SECONDS) {
    problems.push(`waited for ${facts.waitedSeconds.toFixed(0)} s`);
  }
  if (expects === 'halts' && facts.halted.length === 0) problems.push('did not halt');
  if (expects !== 'halts' && facts.halted.length > 0) problems.push('halted');
  return { name, family, what, expects, visible, named, ...facts, problems };
}

function lateness(what: string, sighting: Sighting | null, limitSeconds: number): string[] {
  if (sighting === null) return [`never ${what}`];
  if (sighting.seconds <= limitSeconds) return [];
  return [`${what} only after ${sighting.seconds.toFixed(1)} s`];
}

function exitsOf({ fleet }: World): string[] {
  return fleet.all
    .filter(({ exits }) => exits.length > 0)
    .map(({ label, exits }) => `${label} with ${exits.join(', ')}`);
}

/** All services at work: ready, every partition claimed, nothing behind. */
async function becomeCalm(world: World): Promise<Look> {
  await waitFor(() => isWell(world), {
    what: 'a world that works',
    timeoutMs: CALM_LIMIT_MS,
    intervalMs: POLL_MS,
  });
  await sleep(CALM_MS);
  return await look(world);
}

async function prove(world: World, kind: Kind, facts: Facts): Promise<void> {
  const evidence = () => kind.evidence(world);
  const limit = { what: 'evidence', timeoutMs: EVIDENCE_LIMIT_MS, intervalMs: POLL_MS };
  facts.evidence = await waitFor(evidence, limit).catch(() => null);
}

async function untilHealed(world: World, kind: Kind, facts: Facts): Promise<void> {
  const fromMs = performance.now();
  const isHealed = async (): Promise<boolean> => {
    // What halts late is for the operator too.
    if (kind.expects === 'halts') await acceptLosses(world, facts);
    return await isWell(world);
  };
  const limit = { what: 'it to be healed', timeoutMs: HEAL_LIMIT_MS, intervalMs: POLL_MS };
  try {
    await waitFor(isHealed, limit);
    facts.healedSeconds = (performance.now() - fromMs) / 1_000;
  } catch (error) {
    const why = await whyNotWell(world).catch((failure: unknown) => String(failure));
    facts.problems.push(`${(error as Error).message}: ${why}`);
  }
}

async function acceptLosses(world: World, facts: Facts): Promise<void> {
  for (const { source_id, halted_code } of await haltedSources(world)) {
    facts.halted.push(halted_code);
    const source = ['--source', String(source_id)];
    await world.dev('ops', 'accept-loss', ...source, '--execute', '--reason', REASON);
  }
}

async function haltedCodes(world: World): Promise<string[]> {
  return (await haltedSources(world)).map(({ halted_code }) => halted_code);
}

async function haltedSources({ db }: World): Promise<{ source_id: number; halted_code: string }[]> {
  return await db
    .selectFrom('cursors')
    .select(['source_id', 'halted_code'])
    .where('halted_code', 'is not', null)
    .$narrowType<{ halted_code: string }>()
    .execute();
}

async function countAnew(world: World, kind: Kind, facts: Facts): Promise<void> {
  const truth = await world.load.end();
  const isDrained = async () =>
    [...(await recordsBehind(world)).values()].every((records) => records === 0);
  await waitFor(isDrained, {
    what: 'every record to be counted',
    timeoutMs: DRAIN_LIMIT_MS,
    intervalMs: POLL_MS,
  });
  const { isRight, verdict } = await recount(world, truth, kind.loses === true);
  facts.exact = verdict;
  if (!isRight) facts.problems.push(verdict);
}
