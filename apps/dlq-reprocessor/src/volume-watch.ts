import { firingKeys, requestNotification, type Database } from '@adtally/db';
import { causeLine, causeWords } from '@adtally/event-schema';
import { dlqEnd, dlqVolume, type DlqVolume } from '@adtally/letters';
import { RecurringTask } from '@adtally/pacing';
import type { Beside } from '@adtally/pipeline';
import type { Logger } from '@adtally/telemetry';
import type { Lanes } from './lanes.ts';
import type { ReprocessorMetrics } from './metrics.ts';

export interface VolumeWatchParts {
  readonly db: Database;
  readonly lanes: Lanes;
  readonly metrics: ReprocessorMetrics;
  readonly log: Logger;
}

export interface VolumeWatchOptions {
  readonly dlqTopic: string;
  readonly owner: string;
  /** A spike is more arrivals in a minute than this ... */
  readonly perMinute: number;
  /** ... and more than so many times the average minute of the hour before. */
  readonly factor: number;
}

export const SPIKE_ALERT = 'DlqVolumeSpike';
const LOOK_EVERY_MS = 15_000;
const MINUTE_MS = 60_000;
/** One process looks, whichever holds this lane. */
const WATCHED_LANE = 0;

/** Whether so many arrivals are a spike. */
export function isSpike(
  volume: Pick<DlqVolume, 'lastMinute' | 'baselinePerMinute'>,
  { perMinute, factor }: Pick<VolumeWatchOptions, 'perMinute' | 'factor'>,
): boolean {
  return volume.lastMinute > perMinute && volume.lastMinute > factor * volume.baselinePerMinute;
}

/**
 * Looks at how fast dead letters arrive, and asks the alerter to tell people when that jumps. What was asked
 * for last stands in the database, so a restart neither repeats nor forgets it.
 */
export class VolumeWatch implements Beside {
  readonly #parts: VolumeWatchParts;
  readonly #options: VolumeWatchOptions;
  readonly #looking: RecurringTask;
  /** The topic's end at each look of the last minute. */
  #ends: { readonly end: number; readonly atMs: number }[] = [];

  constructor(parts: VolumeWatchParts, options: VolumeWatchOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#looking = new RecurringTask({
      everyMs: LOOK_EVERY_MS,
      run: () => this.#look(),
      onError: (error) =>
        parts.log.debug({ err: error }, 'dead-letter volume could not be looked at'),
    });
  }

  start(): void {
    this.#looking.start();
  }

  async stop(): Promise<void> {
    await this.#looking.stop();
  }

  async #look(): Promise<void> {
    const { db, lanes, metrics } = this.#parts;
    if (lanes.get(WATCHED_LANE) === undefined) {
      this.#ends = [];
      metrics.dlqArrivalsPerMinute.clear();
      return;
    }
    const copied = await dlqVolume(db, this.#options.dlqTopic);
    const arrived = this.#growth(await dlqEnd(db, this.#options.dlqTopic), performance.now());
    const volume = { ...copied, lastMinute: Math.max(copied.lastMinute, arrived) };
    metrics.dlqArrivalsPerMinute.set(volume.lastMinute);
    await this.#tell(volume);
  }

  /** By how much the topic grew in the last minute, as far as this process has watched it. */
  #growth(end: number, nowMs: number): number {
    this.#ends.push({ end, atMs: nowMs });
    while ((this.#ends[1]?.atMs ?? Infinity) <= nowMs - MINUTE_MS) this.#ends.shift();
    return Math.max(0, end - (this.#ends[0]?.end ?? end));
  }

  async #tell(volume: DlqVolume): Promise<void> {
    const { db, log } = this.#parts;
    const { dlqTopic, owner } = this.#options;
    const spikes = isSpike(volume, this.#options);
    const isTold = (await firingKeys(db, SPIKE_ALERT, [dlqTopic])).length > 0;
    if (spikes === isTold) return;
    const { topCauses, ...counts } = volume;
    const causes = topCauses.map(({ letters, sources, fingerprint, ...cause }) =>
      causeLine(causeWords(cause), letters, sources, [`fingerprint ${fingerprint}`]),
    );
    const figures = `${volume.lastMinute} dead letters arrived in the last minute, ${volume.baselinePerMinute.toFixed(1)} a minute in the hour before`;
    const told = { ...counts, causes };
    if (spikes) log.error(told, 'dead letters spike');
    else log.info(told, 'dead letters are back to normal');
    await requestNotification(db, {
      alert: SPIKE_ALERT,
      key: dlqTopic,
      status: spikes ? 'firing' : 'resolved',
      summary: `${dlqTopic}: ${figures}`,
      detail: { topic: dlqTopic, ...told },
      requestedBy: owner,
    });
  }
}
