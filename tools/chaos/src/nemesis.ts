import { availableParallelism, loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { World } from '@adtally/breaking-run';
import { Rng } from '@adtally/event-simulator';
import { waitFor } from '@adtally/testkit';
import type { Broken, Fault } from './fault.ts';
import type { PlannedFault, PlannedWindow } from './plan.ts';
import { repaired } from './repaired.ts';
import { untilWell } from './until-well.ts';

/** What became of one planned fault. */
export interface FaultResult extends PlannedFault {
  readonly what: string;
  /** From 1. */
  readonly window: number;
  /** Null: it did not happen, and the run failed. */
  readonly evidence: string | null;
  readonly problem: string | null;
}

export interface WindowResult {
  /** How long after the last repair all was well again; null: not in time. */
  readonly recoveredSeconds: number | null;
  /** Of the last minute, at its end. */
  readonly loadPerCore: number;
  readonly problem: string | null;
}

/** On a busy machine a process takes long until it does what proves a fault. */
const EVIDENCE_LIMIT_MS = 180_000;
const POLL_MS = 250;
const RECOVERY_LIMIT_MS = 300_000;
/** Apart from the stream of the plan. */
const FAULT_STREAM = 9_002;

/** Does to a world what was planned, window by window, and watches it recover. */
export class Nemesis {
  readonly faults: FaultResult[] = [];
  readonly windows: WindowResult[] = [];
  /** Offsets that must be told as gaps. */
  gaps = 0;
  readonly #world: World;
  readonly #byName: ReadonlyMap<string, Fault>;
  readonly #seed: number;
  readonly #say: (line: string) => void;
  #begun = 0;

  constructor(world: World, faults: readonly Fault[], seed: number, say: (line: string) => void) {
    this.#world = world;
    this.#byName = new Map(faults.map((fault) => [fault.name, fault]));
    this.#seed = seed;
    this.#say = say;
  }

  async run(plan: readonly PlannedWindow[]): Promise<void> {
    for (const [index, window] of plan.entries()) {
      const names = window.map(({ name, target }) => [name, target].filter(Boolean).join(' '));
      this.#say(`window ${index + 1} of ${plan.length}: ${names.join(', ')}`);
      const results = await Promise.all(window.map((planned) => this.#happen(planned, index + 1)));
      this.faults.push(...results);
      const recovery = await this.#recover();
      this.windows.push({ ...recovery, loadPerCore: loadPerCore() });
      for (const { name, problem } of results)
        if (problem !== null) this.#say(`${name}: ${problem}`);
      this.#say(
        recovery.problem ??
          `all well ${recovery.recoveredSeconds?.toFixed(1)} s after the last repair`,
      );
      // Of a world that does not come back nothing more can be learnt.
      if (recovery.recoveredSeconds === null) break;
    }
  }

  async #happen(planned: PlannedFault, window: number): Promise<FaultResult> {
    const fault = this.#byName.get(planned.name);
    if (fault === undefined) throw new Error(`there is no fault ${planned.name}`);
    const result = { ...planned, what: fault.what, window };
    await sleep(planned.atSeconds * 1_000);
    const index = (this.#begun += 1);
    const rng = new Rng(this.#seed, FAULT_STREAM, index);
    const stage = {
      world: this.#world,
      rng,
      noteGaps: (offsets: number) => void (this.gaps += offsets),
    };
    const endMs = performance.now() + planned.forSeconds * 1_000;
    let evidence: string | null = null;
    try {
      const broken = await fault.start(stage, planned.target);
      try {
        evidence = await proved(broken);
        await sleep(Math.max(0, endMs - performance.now()));
      } finally {
        await repaired(() => broken.heal());
      }
    } catch (error) {
      return { ...result, evidence, problem: (error as Error).message };
    }
    return {
      ...result,
      evidence,
      problem: evidence === null ? 'no evidence that it happened' : null,
    };
  }

  async #recover(): Promise<Omit<WindowResult, 'loadPerCore'>> {
    const fromMs = performance.now();
    try {
      await untilWell(this.#world, RECOVERY_LIMIT_MS);
      return { recoveredSeconds: (performance.now() - fromMs) / 1_000, problem: null };
    } catch (error) {
      return { recoveredSeconds: null, problem: (error as Error).message };
    }
  }
}

async function proved(broken: Broken): Promise<string | null> {
  const limit = { what: 'evidence', timeoutMs: EVIDENCE_LIMIT_MS, intervalMs: POLL_MS };
  return await waitFor(() => broken.evidence(), limit).catch(() => null);
}

function loadPerCore(): number {
  const [lastMinute = 0] = loadavg();
  return lastMinute / availableParallelism();
}
