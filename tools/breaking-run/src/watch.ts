import { setTimeout as sleep } from 'node:timers/promises';
import type { Kind, Sighting } from './kind.ts';
import { type Look, look } from './look.ts';
import { largest, total } from './metrics.ts';
import type { World } from './world.ts';

const EVERY_MS = 500;
/** Of ordinary work: two consumers share a small load. */
const LAG_RECORDS_MIN = 30;
const LAG_SECONDS_MIN = 5;
const ABOVE_CALM = 3;
const WORDS_MAX = 220;

/** Looks at a world until told to stop, and keeps when a fault was first seen and first named. */
export class Watch {
  visible: Sighting | null = null;
  named: Sighting | null = null;
  readonly #world: World;
  readonly #kind: Kind;
  readonly #calm: Look;
  readonly #brokenMs = performance.now();
  readonly #read = new Map<string, number>();
  readonly #silent = new Map<string, number>();
  #isOver = false;
  readonly #looking: Promise<void>;

  /** Begins at once: the clock runs from here. `calm` is how the world looked before. */
  constructor(world: World, kind: Kind, calm: Look) {
    this.#world = world;
    this.#kind = kind;
    this.#calm = calm;
    for (const { label, processes } of world.fleet.all) {
      for (const [index, { entries }] of processes.entries()) {
        this.#read.set(`${label} ${index}`, entries.length);
      }
    }
    this.#looking = this.#lookOn();
  }

  get seconds(): number {
    return (performance.now() - this.#brokenMs) / 1_000;
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#looking;
  }

  async #lookOn(): Promise<void> {
    while (!this.#isOver) {
      const now = await look(this.#world);
      this.visible ??= this.#sight(this.#visibleBy(now));
      this.named ??= this.#sight(this.#namedBy(now));
      await sleep(EVERY_MS);
    }
  }

  #sight(by: string | undefined): Sighting | null {
    if (by === undefined) return null;
    return { seconds: this.seconds, by: by.slice(0, WORDS_MAX) };
  }

  #visibleBy({ services }: Look): string | undefined {
    const samples = services.flatMap((one) => one.samples);
    const before = this.#calm.services.flatMap((one) => one.samples);
    const restarted = this.#restarted();
    for (const { label, answers, ready, waiting } of services) {
      if (restarted.has(label)) continue;
      const silences = answers ? 0 : (this.#silent.get(label) ?? 0) + 1;
      this.#silent.set(label, silences);
      // One answer that is late on a busy machine is no fault.
      if (silences >= 2) return `${label} does not answer`;
      if (answers && !ready) return `${label} is not ready: ${waiting}`;
    }
    for (const name of ['adtally_partition_halted', 'adtally_partition_stuck']) {
      const found = samples.find((one) => one.name === name && one.value > 0);
      if (found !== undefined) return `${name}{${found.labels}}`;
    }
    const limits = [
      ['adtally_consumer_lag_records', LAG_RECORDS_MIN],
      ['adtally_consumer_lag_seconds', LAG_SECONDS_MIN],
    ] as const;
    for (const [name, least] of limits) {
      const value = largest(samples, name);
      if (value > Math.max(least, ABOVE_CALM * largest(before, name))) return `${name} ${value}`;
    }
    const { shownBy } = this.#kind;
    if (shownBy === undefined) return undefined;
    const risen = total(samples, shownBy) - total(before, shownBy);
    return risen > 0 ? `${shownBy} +${risen}` : undefined;
  }

  #restarted(): Set<string> {
    const { restarts } = this.#kind;
    const services = restarts === undefined ? [] : this.#world.fleet.of(restarts);
    return new Set(services.map(({ label }) => label));
  }

  #namedBy({ services, told }: Look): string | undefined {
    const { named } = this.#kind;
    const found = this.#newLines().find(([, line]) => named.test(line));
    if (found !== undefined) return `log of ${found[0]}: ${around(found[1], named)}`;
    for (const { label, waiting, status } of services) {
      if (named.test(waiting)) return `/readyz of ${label}: ${around(waiting, named)}`;
      if (named.test(status)) return `/status of ${label}: ${around(status, named)}`;
    }
    const words = told.find((one) => named.test(one));
    if (words !== undefined) return `database: ${around(words, named)}`;
    // A monitor knows a target by its name: where a process is what is broken, that names it.
    const silent = services
      .map(({ label }) => `${label} does not answer`)
      .find((one, index) => {
        return !services[index]?.answers && named.test(one);
      });
    return silent === undefined ? undefined : `monitor: ${silent}`;
  }

  /** Lines that were logged since the break and since the last look, with whose they are. */
  #newLines(): [label: string, line: string][] {
    return this.#world.fleet.all.flatMap(({ label, processes }) =>
      processes.flatMap(({ entries }, index) => {
        const key = `${label} ${index}`;
        const fresh = entries.slice(this.#read.get(key) ?? 0);
        this.#read.set(key, entries.length);
        return fresh.map((entry): [string, string] => [label, JSON.stringify(entry)]);
      }),
    );
  }
}

/** The words that matched, with what stands around them. */
function around(text: string, named: RegExp): string {
  const at = named.exec(text)?.index ?? 0;
  const from = Math.max(0, at - 60);
  return text.slice(from, at + 120);
}
