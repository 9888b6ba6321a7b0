import { AppendTimes, type KafkaSettings, type LogPlace } from '@adtally/kafka';
import type { Logger } from '@adtally/telemetry';

/** Longest look, over all partitions asked about at a time. */
const LOOK_MS = 1_500;
const PLACES_MAX = 64;
/** The broker's clock and ours may differ. */
const AHEAD_MAX_MS = 60_000;
/** Older than any retention: a producer's clock that was never set. */
const OLD_MAX_MS = 366 * 24 * 3_600_000;
/** A place that gave nothing is looked at again: its leader may have been away. */
const AGAIN_MS = 30_000;

/**
 * When the first uncommitted records of partitions were appended. Each place in a log is read once, and nothing is
 * connected before the first one is asked for.
 */
export class AppendAges {
  readonly #settings: KafkaSettings;
  readonly #log: Logger;
  #times: Promise<AppendTimes> | null = null;
  #looking: Promise<void> | null = null;
  readonly #known = new Map<string, { offset: number; appendMs: number | null; atMs: number }>();

  constructor(settings: KafkaSettings, log: Logger) {
    this.#settings = settings;
    this.#log = log;
  }

  /**
   * Unix time; null where it is not known (yet), or not plausible. Of a cursor that moves it is the time of the record
   * it stood at when it was last looked up, which is older by what was counted since.
   */
  appendMs({ topic, partition, offset }: LogPlace): number | null {
    const known = this.#known.get(`${topic} ${partition}`);
    return known !== undefined && known.offset <= offset ? known.appendMs : null;
  }

  /** Looks up the places that are not known, some at a time, in the background; what is not named is forgotten. */
  look(places: readonly LogPlace[]): void {
    const keys = new Set(places.map(({ topic, partition }) => `${topic} ${partition}`));
    for (const key of this.#known.keys()) if (!keys.has(key)) this.#known.delete(key);
    if (this.#looking !== null) return;
    const unknown = places.filter((place) => this.#isDue(place)).slice(0, PLACES_MAX);
    if (unknown.length === 0) return;
    this.#looking = this.#lookUp(unknown)
      .catch((error: unknown) =>
        this.#log.debug({ err: error }, 'the age of records could not be read'),
      )
      .finally(() => (this.#looking = null));
  }

  async close(): Promise<void> {
    await this.#looking;
    const times = await this.#times?.catch(() => null);
    await times?.close();
  }

  #isDue({ topic, partition, offset }: LogPlace): boolean {
    const known = this.#known.get(`${topic} ${partition}`);
    if (known?.offset !== offset) return true;
    return known.appendMs === null && performance.now() - known.atMs > AGAIN_MS;
  }

  async #lookUp(places: readonly LogPlace[]): Promise<void> {
    this.#times ??= AppendTimes.connect(this.#settings);
    let times: AppendTimes;
    try {
      times = await this.#times;
    } catch (error) {
      this.#times = null;
      throw error;
    }
    const found = await times.of(places, LOOK_MS);
    for (const [index, { topic, partition, offset }] of places.entries()) {
      const appendMs = plausible(found[index] ?? null, Date.now());
      this.#known.set(`${topic} ${partition}`, { offset, appendMs, atMs: performance.now() });
    }
  }
}

/** A record's time is the broker's or, by the topic's settings, whatever its producer wrote. */
function plausible(timestampMs: number | null, nowMs: number): number | null {
  if (timestampMs === null) return null;
  return timestampMs > nowMs - OLD_MAX_MS && timestampMs < nowMs + AHEAD_MAX_MS
    ? Math.min(timestampMs, nowMs)
    : null;
}
