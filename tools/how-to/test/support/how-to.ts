import { execFile } from 'node:child_process';
import {
  cpSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../../../..');
const LEFT_OUT = new Set(['dist', '.turbo', '.local', 'coverage']);
const MIGRATIONS = 'packages/db/migrations';
/** What the tsconfig.json files of packages include. */
const SOURCES = ['src', 'test', 'testing', 'scripts'];
const CHECKED = 'tsconfig.how-to.json';
/** Of a failing run, in characters. */
const OUTPUT_SHOWN = 6_000;

/** One block of a how-to: what it does to one file. */
interface Block {
  readonly path: string;
  /** `diff`: hunks to apply, divided by lines "@@"; else the text of a new file. */
  readonly language: string;
  readonly text: string;
}

/** A section "## N. ..." of a how-to. */
export interface Step {
  readonly title: string;
  readonly blocks: readonly Block[];
}

/** The numbered sections of docs/NAME with the blocks that name a file in the paragraph before them. */
export function readHowTo(name: string): readonly Step[] {
  const sections = readFileSync(join(ROOT, 'docs', name), 'utf8').split(/^## (?=\d+\. )/m);
  return sections.slice(1).map((section) => {
    const [title = ''] = section.split('\n', 1);
    const blocks: Block[] = [];
    for (const match of section.matchAll(/^([^\n`][^`]*`[^]*?)\n\n```(\w+)\n([^]*?)^```$/gm)) {
      const [, before = '', language = '', text = ''] = match;
      const path = /(?:In|file) `([\w./-]+\/[\w./-]+)`/.exec(
        before.split('\n\n').at(-1) ?? '',
      )?.[1];
      if (path !== undefined) blocks.push({ path, language, text });
    }
    return { title, blocks };
  });
}

/** A copy of the workspace's sources with the same dependencies, to be changed and thrown away. */
export class WorkspaceCopy {
  readonly folder = mkdtempSync(join(tmpdir(), 'adtally-how-to-'));

  constructor() {
    const source = (path: string): boolean => !LEFT_OUT.has(basename(path));
    // Links between packages are relative: in the copy they lead to the copies.
    for (const path of ['apps', 'packages', 'tools'])
      cpSync(join(ROOT, path), join(this.folder, path), {
        recursive: true,
        verbatimSymlinks: true,
        filter: source,
      });
    for (const path of ['package.json', 'tsconfig.base.json', 'vitest.config.ts'])
      cpSync(join(ROOT, path), join(this.folder, path));
    symlinkSync(join(ROOT, 'node_modules'), join(this.folder, 'node_modules'));
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }

  write(path: string, text: string): void {
    mkdirSync(dirname(join(this.folder, path)), { recursive: true });
    writeFileSync(join(this.folder, path), text);
  }

  /** Does what a step says. Throws where a hunk's old lines are not there exactly once. */
  apply(step: Step): void {
    if (step.blocks.length === 0) throw new Error(`"${step.title}" names no file`);
    const number = String(newestMigration(join(this.folder, MIGRATIONS)) + 1).padStart(4, '0');
    for (const block of step.blocks) {
      const path = block.path.replace('NNNN', number);
      if (block.language !== 'diff') {
        this.write(path, block.text.replaceAll('NNNN', number));
        continue;
      }
      let text = readFileSync(join(this.folder, path), 'utf8');
      for (const hunk of block.text.split(/^@@\n/m)) {
        const lines = hunk.split('\n').filter((line) => line !== '');
        const side = (sign: string): string =>
          lines
            .filter((line) => line.startsWith(' ') || line.startsWith(sign))
            .map((line) => `${line.slice(1)}\n`)
            .join('');
        const parts = text.split(side('-'));
        if (parts.length !== 2)
          throw new Error(`${path} has ${parts.length - 1} times, not once:\n${side('-')}`);
        text = parts.join(side('+'));
      }
      this.write(path, text);
    }
  }

  /** The files in which the compiler finds errors, over these packages, sorted. */
  async filesWithTypeErrors(packages: readonly string[]): Promise<string[]> {
    // One program for all: what they share is read once.
    const include = packages.flatMap((path) => SOURCES.map((folder) => `${path}/${folder}`));
    const config = { extends: './tsconfig.base.json', include };
    this.write(CHECKED, JSON.stringify(config));
    const { output } = await this.run('tsc', ['-p', CHECKED]);
    const files = output.matchAll(/^(\S+?)\(\d+,\d+\): error /gm);
    return [...new Set([...files].map(([, file = '']) => file))].toSorted();
  }

  /** Runs a program of node_modules/.bin in the copy. */
  async run(
    program: string,
    args: readonly string[],
  ): Promise<{ readonly code: number; readonly output: string }> {
    const path = join(this.folder, 'node_modules/.bin', program);
    const { error, stdout, stderr } = await execute(path, args, this.folder, {});
    return { code: error === null ? 0 : 1, output: `${stdout}${stderr}` };
  }

  /** Runs tests of the copy; throws with the end of what they said where one fails. */
  async test(paths: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<void> {
    const vitest = join(this.folder, 'node_modules/.bin/vitest');
    const { error, stdout, stderr } = await execute(vitest, ['run', ...paths], this.folder, env);
    if (error !== null) throw new Error(`${stdout}${stderr}`.slice(-OUTPUT_SHOWN));
  }

  /** Runs one of the copy's programs from its sources; returns its stdout, throws where it fails. */
  async program(
    main: string,
    args: readonly string[],
    env: Readonly<Record<string, string>>,
  ): Promise<string> {
    const argv = ['--conditions=@adtally/source', join(this.folder, main), ...args];
    const { error, stdout, stderr } = await execute(process.execPath, argv, this.folder, env);
    if (error !== null) throw new Error(`${main} ${args.join(' ')}: ${stderr}${stdout}`);
    return stdout;
  }
}

function execute(
  file: string,
  args: readonly string[],
  cwd: string,
  added: Readonly<Record<string, string>>,
): Promise<{ readonly error: Error | null; readonly stdout: string; readonly stderr: string }> {
  const PATH = `${dirname(process.execPath)}:${process.env['PATH']}`;
  const env = { ...process.env, PATH, ...added };
  return new Promise((done) => {
    execFile(file, args, { cwd, env, maxBuffer: 1 << 26 }, (error, stdout, stderr) =>
      done({ error, stdout, stderr }),
    );
  });
}

function newestMigration(folder: string): number {
  return Math.max(...readdirSync(folder).map((name) => Number.parseInt(name, 10) || 0));
}

/** Every folder of the workspace that has types to check. */
export const PACKAGES: readonly string[] = globSync('{apps,packages,tools}/*/tsconfig.json', {
  cwd: ROOT,
})
  .map(dirname)
  .toSorted();
