// A process that runs one command after the other: each app's own main.ts, as if it had been started by itself.
import { pathToFileURL } from 'node:url';
import {
  runProgram,
  type Command,
  type CommandEntry,
  type CommandTree,
  type Program,
} from '@adtally/command-line';
import { captured } from '@adtally/command-line/testing';

/** What the host is asked; the answer is `{ id, outcome }`. */
export interface Asked {
  readonly id: number;
  /** `run`: `file` is a main.ts. `parse`: a program.ts, whose commands do nothing once their arguments are right. */
  readonly what: 'run' | 'parse';
  readonly file: string;
  readonly argv: readonly string[];
}

process.on('message', (asked: Asked) => void answer(asked));

async function answer(asked: Asked): Promise<void> {
  const outcome = await captured(async () => await (asked.what === 'run' ? run : parse)(asked));
  process.send?.({ id: asked.id, outcome });
}

async function run({ id, file, argv }: Asked): Promise<number> {
  process.argv = [process.execPath, file, ...argv];
  // Modules of the app stay loaded; main.ts itself is carried out anew.
  await import(`${pathToFileURL(file).href}?run=${id}`);
  const code = Number(process.exitCode ?? 0);
  process.exitCode = 0;
  // Each main listens for what nobody catches.
  process.removeAllListeners('uncaughtException');
  process.stdout.removeAllListeners('error');
  return code;
}

async function parse({ file, argv }: Asked): Promise<number> {
  const { PROGRAM } = (await import(pathToFileURL(file).href)) as { PROGRAM: Program<unknown> };
  return await runProgram({ ...PROGRAM, ...idle(PROGRAM) }, argv, undefined);
}

/** The same command line, and no work behind it. */
function idle(entry: CommandEntry<unknown>): CommandEntry<unknown> {
  const { summary, load, commands } = entry;
  const loaded = async (): Promise<Command<unknown>> => ({
    ...(await (load as NonNullable<typeof load>)()),
    run: () => Promise.resolve(0),
  });
  const below = (tree: CommandTree<unknown>) =>
    Object.fromEntries(Object.entries(tree).map(([name, child]) => [name, idle(child)]));
  return {
    summary,
    ...(load === undefined ? {} : { load: loaded }),
    ...(commands === undefined ? {} : { commands: below(commands) }),
  };
}
