import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Outcome } from '@adtally/command-line/testing';
import type { Asked } from './command-host.ts';

const HOST = join(import.meta.dirname, 'command-host.ts');

/** Runs what stands behind `./dev`, all of it in one process. Not two at a time. */
export class Commands {
  readonly #root: string;
  readonly #folder: string;
  readonly #host: ChildProcess;
  #asked = 0;

  /** @param folder where files are read and written that commands name */
  constructor(root: string, folder: string, env: Readonly<Record<string, string>>) {
    this.#root = root;
    this.#folder = folder;
    this.#host = fork(HOST, [], { cwd: folder, env, execArgv: ['--conditions=@adtally/source'] });
  }

  /** Runs the words after `./dev`. */
  async run(words: readonly string[]): Promise<Outcome> {
    const { folder, argv } = behind(words);
    return await this.#ask('run', join(this.#root, folder, 'src/main.ts'), argv);
  }

  /** The object that a command prints with `--json`. */
  async json(words: readonly string[]): Promise<any> {
    const { code, stdout, stderr } = await this.run([...words, '--json']);
    if (stdout === '') throw new Error(`${words.join(' ')}: exit code ${code}: ${stderr}`);
    return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '');
  }

  /** A file of that name, as `--json > FILE` fills it; its name. */
  async saved(name: string, words: readonly string[]): Promise<string> {
    const { stdout } = await this.run([...words, '--json']);
    writeFileSync(join(this.#folder, name), stdout);
    return name;
  }

  /** Reads the words after `./dev` by the declarations of their program, and does nothing. */
  async parse(words: readonly string[]): Promise<Outcome> {
    const { folder, argv } = behind(words);
    const outer = await this.#ask('parse', join(this.#root, 'tools/cli/src/program.ts'), words);
    const program = join(this.#root, folder, 'src/program.ts');
    // A service declares its two options where it begins.
    if (outer.code !== 0 || folder === 'tools/cli' || !existsSync(program)) return outer;
    return await this.#ask('parse', program, argv);
  }

  async #ask(what: Asked['what'], file: string, argv: readonly string[]): Promise<Outcome> {
    const id = (this.#asked += 1);
    const over = new AbortController();
    const { signal } = over;
    const ended = once(this.#host, 'exit', { signal }).then(([code]) => {
      throw new Error(`${argv.join(' ')} ended the process that runs commands: ${String(code)}`);
    });
    ended.catch(() => undefined);
    try {
      const answered = once(this.#host, 'message', { signal });
      this.#host.send({ id, what, file, argv } satisfies Asked);
      const [answer] = (await Promise.race([answered, ended])) as [
        { id: number; outcome: Outcome },
      ];
      if (answer.id !== id) throw new Error('an answer of another command');
      return answer.outcome;
    } finally {
      over.abort();
    }
  }

  end(): void {
    this.#host.kill('SIGKILL');
  }
}

/** Whose command line it is: `./dev ops` and `./dev run APP` become the app (tools/cli/test/main.test.ts). */
function behind(words: readonly string[]): { folder: string; argv: readonly string[] } {
  const [first = '', second = ''] = words;
  if (first === 'ops') return { folder: 'apps/ops', argv: words.slice(1) };
  if (first === 'audit' || first === 'sources') return { folder: 'apps/ops', argv: words };
  if (first === 'run') return { folder: join('apps', second), argv: words.slice(2) };
  return { folder: 'tools/cli', argv: words };
}
