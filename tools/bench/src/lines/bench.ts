import { join } from 'node:path';
import { localFolder } from '@adtally/local-stack';
import type { Build } from '../build/build.ts';
import type { DeployName } from '../deploy/ways.ts';
import { type DrainMeasurement, type DrainOptions, measureDrain } from '../drain/measure-drain.ts';
import type { Load } from '../preload/loads-file.ts';
import { preload } from '../preload/preload.ts';
import type { ProfileName } from '../preload/profiles.ts';
import type { Servers } from '../servers.ts';
import type { Sizes } from './sizes.ts';

export const DEFAULT_LOADS_FILE = join(localFolder, 'bench/loads.json');

export interface BenchOptions {
  readonly sizes: Sizes;
  readonly seed: number;
  /** The build this one is compared with; null leaves the comparison out. */
  readonly against: Build | null;
  /** Of `deploy`, these only; null: all. */
  readonly ways: readonly DeployName[] | null;
  /** Where filled topics are remembered. */
  readonly loadsFile: string;
  /** Where `deploy` draws the lag of its first round, as SVG; null: nowhere. */
  readonly picture: string | null;
  readonly onProgress: (text: string) => void;
  readonly signal: AbortSignal;
}

type OneDrain = Omit<DrainOptions, 'onProgress' | 'signal'>;

/** What every line measures with. */
export class Bench {
  readonly servers: Servers;
  readonly options: BenchOptions;

  constructor(servers: Servers, options: BenchOptions) {
    this.servers = servers;
    this.options = options;
  }

  get sizes(): Sizes {
    return this.options.sizes;
  }

  /** A topic filled with a profile, of the bench's size where none is given. */
  async topic(profile: ProfileName, events = this.sizes.events): Promise<Load> {
    const { seed, loadsFile, signal } = this.options;
    const onProgress = (text: string): void => this.progress(`${profile}: ${text}`);
    const wanted = { profile, events, seed, reload: false, loadsFile, onProgress, signal };
    return await preload(this.servers.kafka, wanted);
  }

  /** One drain of a topic by the real service, audited. */
  async drain(load: Load, drain: OneDrain = {}): Promise<DrainMeasurement> {
    const { signal } = this.options;
    const label = `${load.profile}, ${drain.build?.label ?? 'this build'}`;
    const onProgress = (text: string): void => this.progress(`${label}: ${text}`);
    return await measureDrain(this.servers, load, { ...drain, onProgress, signal });
  }

  progress(text: string): void {
    this.options.onProgress(text);
  }

  /**
   * Measures several ways in turn, `sizes.rounds` times, each second round in the opposite order, so that a drift
   * of the machine meets all of them.
   */
  async inTurn<T>(...ways: readonly (() => Promise<T>)[]): Promise<T[][]> {
    return await this.inTurns(this.sizes.rounds, ways);
  }

  /** The same, so many times. */
  async inTurns<T>(rounds: number, ways: readonly (() => Promise<T>)[]): Promise<T[][]> {
    const taken = ways.map(() => [] as T[]);
    for (let round = 0; round < rounds; round += 1) {
      const order = [...ways.keys()];
      for (const way of round % 2 === 0 ? order : order.toReversed()) {
        this.options.signal.throwIfAborted();
        taken[way]?.push(await (ways[way] as () => Promise<T>)());
      }
    }
    return taken;
  }
}
