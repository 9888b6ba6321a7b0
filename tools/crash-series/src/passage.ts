import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Target } from './chain.ts';
import type { CrashBuild } from './crash-build.ts';
import { GATE_ENV, type Side } from './gate.ts';
import type { Stage } from './world.ts';

/** What the processes of a stage passed while nobody stopped them. */
export interface Passage {
  readonly stage: Stage;
  /** By the first process of a world, and no later one: the topic is new to it. */
  readonly onlyFirst: readonly Target[];
  /** By any. */
  readonly always: readonly Target[];
}

/** Two processes, one after the other, each to its orderly end; everything is exact afterwards. */
export async function recordPassage(stage: Stage, build: CrashBuild): Promise<Passage> {
  const folder = mkdtempSync(join(tmpdir(), 'adtally-crash-passage-'));
  const world = await stage.open(build);
  try {
    const passed: Set<string>[] = [];
    for (const name of ['first', 'second']) {
      const file = join(folder, name);
      await world.feed();
      const process = await world.start({ [GATE_ENV.record]: file });
      await world.settled(process);
      const { code, stderr } = await world.end(process);
      if (code !== 0) throw new Error(`${stage.name}: code ${code}: ${stderr.slice(-2_000)}`);
      passed.push(new Set(readFileSync(file, 'utf8').trim().split('\n')));
    }
    const wrong = [...(await world.unbalanced()), ...(await world.differences())];
    if (wrong.length > 0) throw new Error(`${stage.name}, undisturbed: ${wrong.join('\n')}`);
    const [first, second] = passed as [Set<string>, Set<string>];
    return {
      stage,
      onlyFirst: [...first.difference(second)].map(targetOf),
      always: [...second].map(targetOf),
    };
  } finally {
    await world.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

function targetOf(line: string): Target {
  const space = line.indexOf(' ');
  return { side: line.slice(0, space) as Side, name: line.slice(space + 1) };
}
