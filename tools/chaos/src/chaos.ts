import { join } from 'node:path';
import { makeWorld, type Needs, startServers, type World } from '@adtally/breaking-run';
import { AuditWatch } from './audit-watch.ts';
import { PartsClock, type RunPart } from './parts-clock.ts';
import { type Fault, SERVICE_LABELS } from './fault.ts';
import { FAULTS } from './faults/index.ts';
import { type FaultResult, Nemesis, type WindowResult } from './nemesis.ts';
import { type PlannedWindow, planOf } from './plan.ts';
import { unwantedExits } from './exits.ts';
import { untilWell } from './until-well.ts';
import { type Verdict, verdictOf } from './verdict.ts';

export interface ChaosOptions {
  readonly seed: number;
  /** How long there are faults, with the pauses between them. */
  readonly seconds: number;
  /** Records a second. */
  readonly rate: number;
  /** Of these faults alone; of all where empty. */
  readonly only?: readonly string[];
  /** A folder for what the services log; not kept where undefined. */
  readonly logs?: string | undefined;
  readonly say: (line: string) => void;
}

export interface ChaosResult {
  readonly seed: number;
  readonly seconds: number;
  readonly rate: number;
  readonly consumers: number;
  readonly plan: readonly PlannedWindow[];
  readonly faults: readonly FaultResult[];
  readonly windows: readonly WindowResult[];
  /** Audits that balanced while things were broken. */
  readonly audits: number;
  readonly exits: readonly string[];
  /** Null: it did not come so far. */
  readonly verdict: Verdict | null;
  /** What it took, part by part. */
  readonly tookSeconds: Readonly<Record<RunPart, number>>;
  /** What makes the run fail. */
  readonly problems: readonly string[];
}

/** Members that are silent are given up after seconds, so that others take over while they are frozen. */
const BROKER_SETTINGS = {
  'group.consumer.min.session.timeout.ms': '1000',
  'group.consumer.session.timeout.ms': '10000',
  'group.consumer.min.heartbeat.interval.ms': '1000',
  'group.consumer.heartbeat.interval.ms': '2000',
  'transaction.abort.timed.out.transaction.cleanup.interval.ms': '1000',
};
/** Rollups as fresh as they get, so that what comes late does come late. */
const ENV = { ROLLUP_SETTLE_MS: '0', ROLLUP_TURN_MS: '500ms' };
/** Longer than any fault: a record then is in the topic or refused, and nobody need guess. */
const DELIVERY_TIMEOUT_MS = 600_000;
const START_LIMIT_MS = 300_000;

/** Starts servers, services and a load of its own, does to them what the seed says, heals all, and counts anew. */
export async function chaos(options: ChaosOptions): Promise<ChaosResult> {
  const { seed, seconds, rate, only = [], say } = options;
  const faults = only.length === 0 ? FAULTS : FAULTS.filter(({ name }) => only.includes(name));
  const plan = planOf(faults, { seed, seconds });
  const servers = await startServers(BROKER_SETTINGS);
  const problems: string[] = [];
  const run: Run = { nemesis: undefined, watch: undefined, verdict: null, exits: [] };
  const clock = new PartsClock();
  try {
    const world = await makeWorld(servers, needsOf(plan, faults, rate), seed);
    try {
      await undergo(world, run, { plan, faults, seed, say, clock });
    } catch (error) {
      problems.push((error as Error).message);
    } finally {
      await run.watch?.stop();
      run.exits = unwantedExits(world.fleet);
      await world.close();
      if (options.logs !== undefined) await world.fleet.keepLogs(join(options.logs, 'chaos'));
    }
  } finally {
    await servers.close();
  }
  const { nemesis, watch, verdict, exits } = run;
  const results = nemesis?.faults ?? [];
  const windows = nemesis?.windows ?? [];
  for (const { name, target, problem } of results) {
    if (problem !== null) problems.push(`${name} ${target}: ${problem}`);
  }
  for (const { problem } of windows) if (problem !== null) problems.push(problem);
  const missing = plan.flat().length - results.length;
  if (missing > 0) problems.push(`${missing} planned faults did not happen`);
  problems.push(...exits, ...(watch?.problems ?? []), ...(verdict?.problems ?? []));
  return {
    seed,
    seconds,
    rate,
    consumers: CONSUMERS,
    plan,
    faults: results,
    windows,
    audits: watch?.audits ?? 0,
    exits,
    verdict,
    tookSeconds: clock.seconds(),
    problems,
  };
}

interface Run {
  nemesis: Nemesis | undefined;
  watch: AuditWatch | undefined;
  verdict: Verdict | null;
  exits: readonly string[];
}

interface Undergone {
  readonly plan: readonly PlannedWindow[];
  readonly faults: readonly Fault[];
  readonly seed: number;
  readonly say: (line: string) => void;
  readonly clock: PartsClock;
}

const CONSUMERS = SERVICE_LABELS.filter((label) => label.startsWith('consumer-')).length;

async function undergo(
  world: World,
  run: Run,
  { plan, faults, seed, say, clock }: Undergone,
): Promise<void> {
  say('waiting for all services to be at work');
  await untilWell(world, START_LIMIT_MS);
  clock.begin('faults');
  run.watch = new AuditWatch(world);
  run.nemesis = new Nemesis(world, faults, seed, say);
  await run.nemesis.run(plan);
  clock.begin('count');
  say('ending the load, draining, counting anew');
  run.verdict = await verdictOf(world, run.nemesis.gaps);
}

function needsOf(plan: readonly PlannedWindow[], faults: readonly Fault[], rate: number): Needs {
  const planned = new Set(plan.flat().map(({ name }) => name));
  const envs = faults.filter(({ name }) => planned.has(name)).map(({ env }) => env ?? {});
  const env = Object.assign({}, ENV, ...envs) as Record<string, string>;
  return { rate, consumers: CONSUMERS, clocks: true, deliveryTimeoutMs: DELIVERY_TIMEOUT_MS, env };
}
