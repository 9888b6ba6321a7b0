import type { BackfillProgress } from '@adtally/analytics';

const TTY_REFRESH_MS = 200;
const SPARSE_REFRESH_MS = 10_000;
/** Before that a rate says little. */
export const KNOWN_AFTER_MS = 5_000;
const BAR_WIDTH = 24;
const CLEAR_LINE = '\r\u001B[K';

/** Where progress goes: a terminal gets one line written over, anything else a line now and then. */
export interface ProgressTarget {
  readonly isTTY: boolean;
  readonly columns: number;
  readonly write: (text: string) => void;
}

const STANDARD_ERROR: ProgressTarget = {
  get isTTY() {
    return process.stderr.isTTY;
  },
  get columns() {
    return process.stderr.columns;
  },
  write: (text) => void process.stderr.write(text),
};

/** How one kind of progress reads. */
export interface ProgressForm<Progress> {
  readonly line: (progress: Progress) => string;
  readonly json: (progress: Progress) => object;
}

/** Shows progress on standard error; with `--json` as objects. */
export class ProgressView<Progress> {
  readonly #target: ProgressTarget;
  readonly #isJson: boolean;
  readonly #form: ProgressForm<Progress>;
  #shownMs = Number.NEGATIVE_INFINITY;

  constructor(form: ProgressForm<Progress>, isJson: boolean, target = STANDARD_ERROR) {
    this.#target = target;
    this.#isJson = isJson;
    this.#form = form;
  }

  update(progress: Progress): void {
    const refreshMs = this.#target.isTTY ? TTY_REFRESH_MS : SPARSE_REFRESH_MS;
    if (performance.now() - this.#shownMs < refreshMs) return;
    this.#shownMs = performance.now();
    if (this.#isJson) {
      this.#target.write(`${JSON.stringify(this.#form.json(progress))}\n`);
      return;
    }
    const line = this.#form.line(progress);
    this.#target.write(
      this.#target.isTTY ? `${CLEAR_LINE}${line.slice(0, this.#target.columns - 1)}` : `${line}\n`,
    );
  }

  finish(): void {
    if (this.#target.isTTY && !this.#isJson) this.#target.write(CLEAR_LINE);
  }
}

/** Events a second so far; null while that says little. */
function rateOf({ events, elapsedMs }: BackfillProgress): number | null {
  return elapsedMs < KNOWN_AFTER_MS ? null : (events / elapsedMs) * 1000;
}

/** Seconds to go, as far as bases are alike; null while unknown. */
export function remainingSeconds(progress: BackfillProgress, startedDone = 0): number | null {
  const { basesDone, basesTotal, elapsedMs } = progress;
  const done = basesDone - startedDone;
  if (done <= 0 || elapsedMs < KNOWN_AFTER_MS) return null;
  return ((basesTotal - basesDone) * elapsedMs) / done / 1000;
}

/** The share done, 0 to 1, as a bar with its percentage. */
export function bar(share: number): string {
  const filled = Math.round(share * BAR_WIDTH);
  return `[${'#'.repeat(filled)}${'.'.repeat(BAR_WIDTH - filled)}] ${Math.floor(share * 100)} %`;
}

export function progressLine(progress: BackfillProgress): string {
  const { basesDone, basesTotal, waitsFor } = progress;
  const share = basesTotal === 0 ? 0 : basesDone / basesTotal;
  const rate = rateOf(progress);
  const left = remainingSeconds(progress);
  return [
    bar(share),
    `${basesDone}/${basesTotal} bases`,
    rate === null ? 'rate unknown' : `${Math.round(rate).toLocaleString('en')} rows/s`,
    left === null ? 'remaining unknown' : `${Math.ceil(left)} s left`,
    ...(waitsFor === null ? [] : [`waits for ${waitsFor}`]),
  ].join('  ');
}

export const BACKFILL_FORM: ProgressForm<BackfillProgress> = {
  line: progressLine,
  json: progressJson,
};

function progressJson(progress: BackfillProgress): object {
  return {
    progress: {
      run_id: Number(progress.runId),
      bases_done: progress.basesDone,
      bases_total: progress.basesTotal,
      rows: progress.events,
      rows_per_second: rateOf(progress),
      remaining_seconds: remainingSeconds(progress),
      waits_for: progress.waitsFor,
    },
  };
}
