import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { GATE_ENV } from '../src/gate-env.ts';
import { passedIn } from '../src/passage.ts';

/** As if the process was told to end in its last moment. */
const LINES_BEFORE_END = 6;
const GATE = join(import.meta.dirname, '../src/gate.ts');
/** What is passed with nothing told or heard in between is one moment; a write, a file and an answer each end one. */
const PROGRAM = `
import { rename } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
const { before, after } = await import(${JSON.stringify(GATE)});
before('a'); after('b', 1); await null; before('c');
process.stdout.write('told'); before('d');
await setImmediate(); before('e');
before('f'); rename('/nowhere', '/nowhere').catch(() => 0); after('g', 1); before('h');`;

test('a process says which places it passed since it last told or heard anything, and goes there', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'adtally-gate-'));
  try {
    const [program, record] = [join(folder, 'program.ts'), join(folder, 'record')];
    // The functions of files are watched from the start, as in a crash build.
    writeFileSync(join(folder, 'rest.ts'), PROGRAM);
    writeFileSync(program, `import ${JSON.stringify(GATE)};\nawait import('./rest.ts');\n`);
    const run = async (env: Readonly<Record<string, string>>) =>
      await new Promise<{ signal: string | undefined; stderr: string }>((resolve) => {
        execFile(process.execPath, [program], { env }, (error, _stdout, stderr) =>
          resolve({ signal: error?.signal ?? undefined, stderr }),
        );
      });
    expect(await run({ [GATE_ENV.record]: record })).toMatchObject({ signal: undefined });
    const passed = passedIn(readFileSync(record, 'utf8'), LINES_BEFORE_END);
    expect(passed.map(({ side, name }) => `${side} ${name}`)).toEqual([
      'before a',
      'after b',
      'before c',
      'before d',
      'before e',
      'before f',
      'after g',
      'before h',
    ]);
    expect(passed.filter(({ isOfTheEnd }) => isOfTheEnd).map(({ name }) => name)).toEqual([
      'g',
      'h',
    ]);
    expect(passed.filter(({ endsMoment }) => endsMoment).map(({ name }) => name)).toEqual([
      'c',
      'd',
      'f',
      'h',
    ]);
    const killed = await run({ [GATE_ENV.place]: 'h', [GATE_ENV.side]: 'before' });
    expect(killed.signal).toBe('SIGKILL');
    expect(JSON.parse(killed.stderr)).toMatchObject({
      msg: 'at place',
      moment: ['after g', 'before h'],
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
