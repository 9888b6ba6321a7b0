import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { localFolder } from '@adtally/local-stack';
import type { Client } from 'pg';
import { AppProcess } from '../app-process.ts';
import type { Build } from '../build/build.ts';
import { BenchError } from '../errors.ts';
import { PARTITIONS } from '../preload/preload.ts';
import type { DeployWay } from './ways.ts';

export interface FleetOptions {
  readonly build: Build;
  readonly way: DeployWay;
  readonly instances: number;
  /** Of every process, but what tells them apart. */
  readonly env: NodeJS.ProcessEnv;
  readonly database: Client;
  readonly signal: AbortSignal;
}

const POLL_MS = 50;
const CLAIM_LIMIT_MS = 120_000;
const READY_LIMIT_MS = 60_000;

/** The processes that count together, each in its place, as a platform keeps them. */
export class Fleet {
  readonly #options: FleetOptions;
  readonly #places: AppProcess[] = [];
  /** Runs beside the one that takes its place. */
  #former: AppProcess | undefined;

  private constructor(options: FleetOptions) {
    this.#options = options;
  }

  static async start(options: FleetOptions): Promise<Fleet> {
    const fleet = new Fleet(options);
    for (let place = 0; place < options.instances; place += 1) await fleet.start(place);
    return fleet;
  }

  get places(): number[] {
    return [...this.#places.keys()];
  }

  /** SIGTERM, and drained. @throws BenchError where it did not end with 0 */
  async drain(place: number): Promise<void> {
    await this.#at(place).stop();
  }

  kill(place: number): void {
    this.#at(place).kill();
  }

  /** Starts the one that takes the place, and drains the one that has it once the other is ready. */
  async relieve(place: number): Promise<void> {
    const former = this.#at(place);
    this.#former = former;
    await this.start(place);
    const next = this.#at(place);
    await this.#until('a process does not become ready', READY_LIMIT_MS, () => next.isReady());
    await former.stop();
    this.#former = undefined;
  }

  async start(place: number): Promise<void> {
    const { build, way, env } = this.#options;
    const identity = way.isStatic ? { GROUP_INSTANCE_ID: `place-${place}` } : {};
    this.#places[place] = await AppProcess.start(
      build,
      'ingest-consumer',
      { ...env, GROUP_PROTOCOL: way.protocol, GROUP_INSTANCE_ID: '', ...identity },
      join(
        localFolder,
        `logs/bench-deploy-${place}${this.#former === undefined ? '' : '-next'}.log`,
      ),
    );
  }

  /** Waits until every partition is claimed, and all processes have some. */
  async shared(): Promise<void> {
    const { database, instances } = this.#options;
    await this.#until(
      'the processes do not come to share the partitions',
      CLAIM_LIMIT_MS,
      async () => {
        const { rows } = await database.query<{ claimed: number; owners: number }>(
          `SELECT count(backend_pid)::int AS claimed, count(DISTINCT owner)::int AS owners FROM cursors`,
        );
        return rows[0]?.claimed === PARTITIONS && rows[0].owners === instances;
      },
    );
  }

  async drainAll(): Promise<void> {
    await Promise.all(this.#places.map((process) => process.stop()));
  }

  killAll(): void {
    for (const process of this.#places) process.kill();
    this.#former?.kill();
  }

  /** @throws BenchError where a process ends by itself, or the time is over: `otherwise` is what it says then */
  async #until(otherwise: string, limitMs: number, reached: () => Promise<boolean>): Promise<void> {
    const deadline = performance.now() + limitMs;
    while (performance.now() < deadline) {
      this.#options.signal.throwIfAborted();
      for (const process of this.#places) process.checkAlive();
      if (await reached()) return;
      await sleep(POLL_MS);
    }
    throw new BenchError(otherwise);
  }

  #at(place: number): AppProcess {
    const process = this.#places[place];
    if (process === undefined) throw new RangeError(`no process in place ${place}`);
    return process;
  }
}
