import { constants } from 'node:os';

const SIGNAL_EXIT_BASE = 128;

/** Exit code of an ended child: its own, or 128 + the signal's number as shells give it. */
export function exitCodeOf(code: number | null, signal: NodeJS.Signals | null): number {
  return code ?? SIGNAL_EXIT_BASE + (signal === null ? 0 : constants.signals[signal]);
}
