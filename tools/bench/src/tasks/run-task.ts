import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { BenchError } from '../errors.ts';
import type { Task, Tasks } from './tasks.ts';

const CHILD = join(import.meta.dirname, 'child.ts');

/** What a task says when it has connected and would take what comes. */
export const READY = 'ready\n';

/**
 * Runs one task in a process of its own; what it says on stderr is passed on. `onReady` is called, perhaps more
 * than once, after the task has said that it is.
 * @throws BenchError when it fails; the signal's reason when it is aborted
 */
export async function runTask<K extends keyof Tasks>(
  task: Tasks[K]['task'] & Task,
  signal: AbortSignal,
  onReady: () => void = () => undefined,
): Promise<Tasks[K]['result']> {
  signal.throwIfAborted();
  const child = spawn(process.execPath, ['--conditions=@adtally/source', CHILD], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.on('error', () => undefined); // a child that died says so by its exit code
  // A secret travels as it is now.
  const plain = (_: string, value: unknown) => (typeof value === 'function' ? value() : value);
  child.stdin.end(JSON.stringify(task, plain));
  const kill = (): void => void child.kill('SIGKILL');
  signal.addEventListener('abort', kill);
  try {
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      if (output.startsWith(READY)) onReady();
    });
    const [code] = (await once(child, 'close')) as [number | null];
    signal.throwIfAborted();
    if (code !== 0) throw new BenchError(`the task ${task.kind} failed`);
    return JSON.parse(output.trimEnd().split('\n').at(-1) ?? '') as Tasks[K]['result'];
  } finally {
    signal.removeEventListener('abort', kill);
  }
}
