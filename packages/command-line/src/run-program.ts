import type { Command as Commander, CommanderError } from 'commander';
import { buildCommander, pathOf } from './build-commander.ts';
import type { CommandTree, Program } from './command.ts';
import { UsageError } from './errors.ts';
import { EXIT } from './exit-codes.ts';
import { type ExplainError, tellError } from './tell-error.ts';
import { say } from './output.ts';
import { didYouMean } from './suggest.ts';

/** Commander printed the help that was asked for. */
const HELP_SHOWN = Symbol('help shown');
const MISSED_COMMAND = new Set(['commander.excessArguments', 'commander.unknownOption']);
const HELP_SPELLINGS: readonly string[] = ['--help', '-h'];

/**
 * Runs the command that `argv` names and returns what the process is to exit with. Never throws and
 * never ends the process. Help that was asked for goes to standard output (0), everything that is
 * wrong to standard error: a usage error (2) with a pointer to the command's help, an error with an
 * `exitCode` as its sentence, anything else with its stack trace (1).
 *
 * @param explain says of an error what the app knows of it
 */
export async function runProgram<C>(
  program: Program<C>,
  argv: readonly string[],
  context: C,
  explain: ExplainError = () => undefined,
): Promise<number> {
  let chosen: Commander | undefined;
  let exitCode: number = EXIT.success;
  try {
    const root = await buildCommander(program, context, {
      onCommand: (command) => (chosen = command),
      onStop: stop,
      onDone: (answered) => (exitCode = answered),
    });
    await root.parseAsync(askedHelp(argv, program), { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error === HELP_SHOWN) return EXIT.success;
    if (!(error instanceof UsageError) || chosen === undefined) return tellError(error, explain);
    if (error.showsHelp) chosen.outputHelp({ error: true });
    say(`${error.message}\nSee ${pathOf(chosen)} --help`);
    return error.exitCode;
  }
}

/**
 * `help demo` is `demo --help`. Of a word that names nothing the help cannot be shown: there the
 * request goes, so that the word is refused.
 */
function askedHelp<C>(argv: readonly string[], program: Program<C>): string[] {
  const words = [...argv];
  if (words[0] === 'help' && program.commands !== undefined) {
    words.push('--help');
    words.shift();
  }
  let commands: CommandTree<C> | undefined = program.commands;
  for (const word of words) {
    if (commands === undefined || word.startsWith('-')) return words;
    if (!Object.hasOwn(commands, word)) return words.filter((one) => !HELP_SPELLINGS.includes(one));
    commands = commands[word]?.commands;
  }
  return words;
}

/** Commander stops: with help, or since the command line is wrong. */
function stop(error: CommanderError, stopped: Commander): never {
  if (error.code === 'commander.helpDisplayed') throw HELP_SHOWN;
  if (error.code === 'commander.help') throw new UsageError('no command is named');
  // A command with options and commands of its own takes a misspelt one for a word too many, and what
  // follows it for unknown options.
  const [word = '-'] = stopped.args;
  if (stopped.commands.length > 0 && MISSED_COMMAND.has(error.code) && !word.startsWith('-')) {
    const known = stopped.commands.map((command) => command.name());
    throw new UsageError(`unknown command '${word}'${didYouMean(word, known)}`);
  }
  throw new UsageError(error.message.replace(/^error: /, '').replaceAll('\n', ' '));
}
