import { redact } from '@adtally/config';

const TTY_REFRESH_MS = 200;
const SPARSE_REFRESH_MS = 15_000;
const CLEAR_LINE = '\r\u001B[K';

/**
 * A line about what is going on, the secrets of this process hidden; never on stdout, which belongs to the
 * command's result.
 */
export function say(line: string): void {
  process.stderr.write(`adtally: ${redact(line)}\n`);
}

/** Prints the one JSON object of `--json`, as one line on stdout. Bigints become decimal strings. */
export function printJson(value: object): void {
  process.stdout.write(`${jsonText(value)}\n`);
}

/** JSON as every command writes it: large integers as texts, and what would steer a terminal as an escape. */
export function jsonText(value: object): string {
  const text = JSON.stringify(value, (_key, item: unknown) =>
    typeof item === 'bigint' ? item.toString() : item,
  );
  // JSON.stringify leaves DEL, C1 controls and signs of direction as they are.
  return text.replace(
    STEERING,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

const STEERING = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** Lays rows out in columns; columns named in `right` (by index) are right-aligned. */
export function formatTable(
  rows: readonly (readonly string[])[],
  right: ReadonlySet<number> = new Set(),
): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [index, cell] of row.entries()) {
      widths[index] = Math.max(widths[index] ?? 0, cell.length);
    }
  }
  const formatCell = (cell: string, index: number): string =>
    right.has(index) ? cell.padStart(widths[index] ?? 0) : cell.padEnd(widths[index] ?? 0);
  return rows.map((row) => row.map(formatCell).join('  ').trimEnd()).join('\n');
}

/** A status that is written over on a terminal, and said now and then elsewhere. */
export interface ProgressLine {
  /** Shows the text when the last one is old enough. Cheap: call it as often as there is news. */
  readonly update: (text: string) => void;
  /** Clears the line and, if given, leaves a last text. */
  readonly finish: (text?: string) => void;
}

export interface ProgressTarget {
  readonly isTTY: boolean;
  readonly columns: number;
  readonly write: (text: string) => void;
}

/** Standard error as it is now. */
export function stderrTarget(): ProgressTarget {
  return {
    isTTY: process.stderr.isTTY,
    columns: process.stderr.columns,
    write: (text) => process.stderr.write(text),
  };
}

/** A progress line on stderr: every 200 ms on a terminal, now and then (15 s) into a file or a pipe. */
export function progressLine(
  target: ProgressTarget = stderrTarget(),
  nowMs: () => number = () => performance.now(),
  sparseMs: number = SPARSE_REFRESH_MS,
): ProgressLine {
  const refreshMs = target.isTTY ? TTY_REFRESH_MS : sparseMs;
  let shownAt = target.isTTY ? -Infinity : nowMs();
  return {
    update(text) {
      if (nowMs() - shownAt < refreshMs) return;
      shownAt = nowMs();
      const line = `adtally: ${text}`;
      target.write(
        target.isTTY ? `${CLEAR_LINE}${line.slice(0, target.columns - 1)}` : `${line}\n`,
      );
    },
    finish(text) {
      if (target.isTTY) target.write(CLEAR_LINE);
      if (text !== undefined) target.write(`adtally: ${text}\n`);
    },
  };
}
