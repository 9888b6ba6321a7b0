import { fork, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Order, Outcomes, Word } from './child.ts';

export interface TargetRun {
  /** Inputs that were fed and did no harm. */
  readonly inputs: number;
  readonly seconds: number;
  readonly outcomes: Outcomes;
  /** The first input that broke something; null where none did. */
  readonly finding: { readonly index: number; readonly words: string } | null;
}

export interface TargetRunOptions {
  /** URL of a module whose default is the target. */
  readonly module: string;
  readonly seed: number;
  readonly inputs: number;
  /** Ends after so long, whatever was reached. */
  readonly timeMs?: number;
  /** A child that has begun and tells of no progress for so long hangs. */
  readonly silenceMs: number;
}

/** For loading the sources, on a machine that has much else to do. */
const START_MS = 600_000;
const CHILD = fileURLToPath(new URL('child.ts', import.meta.url));

/**
 * Feeds a target in a child process until all inputs are fed, the time is over, or one breaks something: throws, ends
 * the process or hangs it. Of a child that died or hung the inputs since its last word are fed again, each noted before.
 */
export async function runTarget(options: TargetRunOptions): Promise<TargetRun> {
  const { module, seed, inputs, silenceMs } = options;
  const began = performance.now();
  const order = { module, seed, from: 0, to: inputs };
  const ended = await watch(order, silenceMs, options.timeMs);
  const run = {
    inputs: ended.next,
    seconds: (performance.now() - began) / 1_000,
    outcomes: ended.outcomes,
  };
  if (ended.finding !== null)
    return { ...run, inputs: ended.finding.index, finding: ended.finding };
  if (ended.end === 'done' || ended.end === 'time is over') return { ...run, finding: null };
  const finding = await retrace({ ...order, from: ended.next }, silenceMs);
  const words = `the process ${ended.end}`;
  return { ...run, finding: finding ?? { index: ended.next, words: `${words}, and not again` } };
}

/** Which input it was that ended or hung the child; null where nothing happens this time. */
async function retrace(order: Order, silenceMs: number): Promise<TargetRun['finding']> {
  const folder = mkdtempSync(join(tmpdir(), 'adtally-fuzz-'));
  const trace = join(folder, 'index');
  try {
    const { end, finding } = await watch({ ...order, trace }, silenceMs);
    if (end === 'done') return finding;
    return { index: Number(readFileSync(trace, 'utf8')), words: `the process ${end}` };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Watched {
  readonly next: number;
  readonly outcomes: Outcomes;
  readonly finding: TargetRun['finding'];
  /** `done`, `time is over`, or what became of the process. */
  readonly end: string;
}

async function watch(order: Order, silenceMs: number, timeMs = Infinity): Promise<Watched> {
  const child = fork(CHILD, [JSON.stringify(order)], {
    execArgv: ['--conditions=@adtally/source'],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  let next = order.from;
  let outcomes: Outcomes = {};
  let finding: TargetRun['finding'] = null;
  let killedFor: string | undefined;
  const kill = (why: string): void => {
    killedFor ??= why;
    child.kill('SIGKILL');
  };
  let silence = setTimeout(() => kill('did not begin'), START_MS);
  // Beyond what a timer can wait there is no limit.
  const time = timeMs < 2 ** 31 ? setTimeout(() => kill('time is over'), timeMs) : undefined;
  child.on('message', (word: Word) => {
    clearTimeout(silence);
    silence = setTimeout(() => kill('hung'), silenceMs);
    if (word.kind === 'finding') finding = { index: word.index, words: word.words };
    else ({ next, outcomes } = word);
  });
  const end = await endOf(child);
  clearTimeout(silence);
  clearTimeout(time);
  return { next, outcomes, finding, end: killedFor ?? end };
}

async function endOf(child: ChildProcess): Promise<string> {
  return await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      resolve(code === 0 ? 'done' : `ended with ${signal ?? `exit code ${String(code)}`}`);
    });
  });
}
