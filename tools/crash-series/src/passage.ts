import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { waitFor } from '@adtally/testkit';
import type { CrashBuild } from './crash-build.ts';
import { GATE_ENV } from './gate-env.ts';
import { PATIENCE_MS } from './patiently.ts';
import { keyOf, targetOf, type Target } from './target.ts';
import type { Stage } from './world.ts';

/** A place and side that was passed. */
export interface Passed extends Target {
  /** Nothing else that is new was passed behind it before the process told or heard something. */
  readonly endsMoment: boolean;
  /** First passed once the process was told to end, or was through: an heir that lives on does not come there. */
  readonly isOfTheEnd: boolean;
}

/** What the processes of a stage passed while nobody stopped them, in the order in which they did first. */
export interface Passage {
  readonly stage: Stage;
  /** By the first process of a world, and no later one: the topic is new to it. */
  readonly onlyFirst: readonly Passed[];
  /** By any. */
  readonly always: readonly Passed[];
}

/** Several turns of what the stages do by timers. */
const QUIET_MS = 1_500;

/** Two processes, one after the other, each to its orderly end; everything is exact afterwards. */
export async function recordPassage(stage: Stage, build: CrashBuild): Promise<Passage> {
  const folder = mkdtempSync(join(tmpdir(), 'adtally-crash-passage-'));
  const world = await stage.open(build);
  try {
    const recorded: Passed[][] = [];
    for (const name of ['first', 'second']) {
      const file = join(folder, name);
      await world.feed();
      const process = await world.start({ [GATE_ENV.record]: file });
      await world.settled(process);
      await quiet(file);
      const before = linesIn(file);
      const { code, stderr } = await world.end(process);
      if (code !== 0) throw new Error(`${stage.name}: code ${code}: ${stderr.slice(-2_000)}`);
      recorded.push(passedIn(readFileSync(file, 'utf8'), before));
    }
    const wrong = [...(await world.unbalanced()), ...(await world.differences())];
    if (wrong.length > 0) throw new Error(`${stage.name}, undisturbed: ${wrong.join('\n')}`);
    const [first = [], second = []] = recorded;
    const again = new Set(second.map(keyOf));
    const onlyFirst = first.filter((passed) => !again.has(keyOf(passed)));
    return { stage, onlyFirst, always: second };
  } finally {
    await world.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Waits until nothing new was passed for a while: what timers do is passed by then. */
async function quiet(file: string): Promise<void> {
  let lines = -1;
  let since = 0;
  const isQuiet = () => {
    const now = performance.now();
    if (linesIn(file) > lines) [lines, since] = [linesIn(file), now];
    return now - since >= QUIET_MS;
  };
  await waitFor(isQuiet, { what: 'nothing new passed', timeoutMs: PATIENCE_MS });
}

function linesIn(file: string): number {
  return readFileSync(file, 'utf8').trim().split('\n').length;
}

/** Of lines `moment side name`, one for each place and side; behind so many of them the process was to end. */
export function passedIn(record: string, beforeEnd: number): Passed[] {
  const lines = record
    .trim()
    .split('\n')
    .map((line) => {
      const space = line.indexOf(' ');
      return { moment: line.slice(0, space), target: targetOf(line.slice(space + 1)) };
    });
  return lines.map(({ moment, target }, index) => ({
    ...target,
    endsMoment: lines[index + 1]?.moment !== moment,
    isOfTheEnd: index >= beforeEnd,
  }));
}
