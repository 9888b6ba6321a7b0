import { waitFor, type ServiceProcess } from '@adtally/testkit';
import { MESSAGES, type AtPlace } from './gate-env.ts';
import type { Passed } from './passage.ts';
import { targetOf, type Target } from './target.ts';

export interface CrashResult extends Target {
  /** What the process said and how it ended: the evidence that it happened there. */
  readonly evidence: string;
  readonly problems: readonly string[];
}

/** What one process told: the moment in which it went, or that it never came there. */
export interface Outcome {
  readonly target: Target;
  /** All places of that moment; null where it ended before its place. */
  readonly moment: readonly Target[] | null;
  readonly evidence: string;
  readonly problems: readonly string[];
}

export interface ChainOptions {
  /** Whether it need not be done any more: a process went in the same moment. */
  readonly isDone: (target: Target) => boolean;
  /** Told as soon as a process went: what is wrong is known only later. */
  readonly onMoment: (target: Target, moment: readonly Target[]) => void;
  readonly onOutcome: (outcome: Outcome) => void;
}

/** What an heir has to finish first need not pass the place: then another one does. */
export const ATTEMPTS_MAX = 2;
export const NOT_REACHED = 'it ended before its place';
/** What timers do is done by then a few times over. */
const LINGER_MS = 5_000;

/** The moment in the line that a process writes right before it goes. */
export function said(process: ServiceProcess, target: Target): readonly Target[] | undefined {
  const entry = process.entries.find(
    (one) =>
      one.msg === MESSAGES.atPlace && one['name'] === target.name && one['side'] === target.side,
  );
  return (entry as unknown as AtPlace | undefined)?.moment.map(targetOf);
}

/** Waits a little for a process that has done its work: by a timer it passes its place all the same. */
export async function lingered(process: ServiceProcess, target: Passed): Promise<void> {
  if (target.isOfTheEnd) return;
  let hasEnded = false;
  void process.ended.then(() => (hasEnded = true));
  const isOver = () => hasEnded || said(process, target) !== undefined;
  const what = `at ${target.name}`;
  // Where it did not come there it is told to end, and another one is started.
  await waitFor(isOver, { what, timeoutMs: LINGER_MS }).catch(() => undefined);
}
