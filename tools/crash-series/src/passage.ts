import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CrashBuild } from './crash-build.ts';
import { GATE_ENV } from './gate-env.ts';
import { keyOf, targetOf, type Target } from './target.ts';
import type { Stage } from './world.ts';

/** A place and side that was passed. */
export interface Passed extends Target {
  /** Nothing else that is new was passed behind it before the process told or heard something. */
  readonly endsMoment: boolean;
}

/** What the processes of a stage passed while nobody stopped them, in the order in which they did first. */
export interface Passage {
  readonly stage: Stage;
  /** By the first process of a world, and no later one: the topic is new to it. */
  readonly onlyFirst: readonly Passed[];
  /** By any. */
  readonly always: readonly Passed[];
}

/** Two processes, one after the other, each to its orderly end; everything is exact afterwards. */
export async function recordPassage(stage: Stage, build: CrashBuild): Promise<Passage> {
  const folder = mkdtempSync(join(tmpdir(), 'adtally-crash-passage-'));
  const world = await stage.open(build);
  try {
    const recorded: string[] = [];
    for (const name of ['first', 'second']) {
      const file = join(folder, name);
      await world.feed();
      const process = await world.start({ [GATE_ENV.record]: file });
      await world.settled(process);
      const { code, stderr } = await world.end(process);
      if (code !== 0) throw new Error(`${stage.name}: code ${code}: ${stderr.slice(-2_000)}`);
      recorded.push(readFileSync(file, 'utf8'));
    }
    const wrong = [...(await world.unbalanced()), ...(await world.differences())];
    if (wrong.length > 0) throw new Error(`${stage.name}, undisturbed: ${wrong.join('\n')}`);
    const [first, second] = recorded.map(passedIn) as [Passed[], Passed[]];
    const again = new Set(second.map(keyOf));
    const onlyFirst = first.filter((passed) => !again.has(keyOf(passed)));
    return { stage, onlyFirst, always: second };
  } finally {
    await world.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Of lines `moment side name`, one for each place and side. */
export function passedIn(record: string): Passed[] {
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
  }));
}
