import type { Progress } from './simulate.ts';

const BAR_CELLS = 24;
const REDRAW_MS = 100;
/** Where the output is no terminal: a line at every tenth, and none sooner than this. */
const LINE_MS = 2000;

/** The part of a stream the progress needs. */
export interface ProgressOutput {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/** One line that says how far a run is; no control characters. */
export function progressText({ attempted, events, elapsedMs }: Progress): string {
  const share = events === 0 ? 1 : attempted / events;
  const cells = Math.floor(share * BAR_CELLS);
  const bar = '#'.repeat(cells) + '.'.repeat(BAR_CELLS - cells);
  const perSecond = elapsedMs > 0 ? Math.round((attempted / elapsedMs) * 1000) : 0;
  const left = share > 0 ? Math.ceil((elapsedMs / share - elapsedMs) / 1000) : 0;
  return (
    `[${bar}] ${Math.floor(share * 100)}% ${attempted.toLocaleString('en')} of ` +
    `${events.toLocaleString('en')} records, ${perSecond.toLocaleString('en')}/s, ${left} s left`
  );
}

/** A progress bar on a terminal, sparse lines elsewhere. */
export function progressPrinter(output: ProgressOutput): (progress: Progress) => void {
  let drawnMs = -Infinity;
  let drawnTenth = -1;
  return (progress) => {
    const isDone = progress.attempted >= progress.events;
    const sinceMs = progress.elapsedMs - drawnMs;
    if (output.isTTY === true) {
      if (sinceMs < REDRAW_MS && !isDone) return;
      drawnMs = progress.elapsedMs;
      output.write(`\r\u001b[K${progressText(progress)}${isDone ? '\n' : ''}`);
      return;
    }
    const tenth = Math.floor((progress.attempted / Math.max(1, progress.events)) * 10);
    if (tenth === drawnTenth || (sinceMs < LINE_MS && !isDone)) return;
    drawnMs = progress.elapsedMs;
    drawnTenth = tenth;
    output.write(`${progressText(progress)}\n`);
  };
}
