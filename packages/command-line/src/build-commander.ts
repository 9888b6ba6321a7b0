import {
  Argument,
  Command as Commander,
  type CommanderError,
  Option as CommanderOption,
} from 'commander';
import type { Command, CommandEntry, Program } from './command.ts';
import { UsageError } from './errors.ts';
import type { Operands, Options } from './parameters.ts';

/** How the program is built from its declaration. */
export interface Frame {
  /** Told which command is carried out, before anything of it is looked at. */
  readonly onCommand: (chosen: Commander) => void;
  /** Told where commander stops by itself; must throw. */
  readonly onStop: (error: CommanderError, stopped: Commander) => never;
  /** Told what the command answered. */
  readonly onDone: (exitCode: number) => void;
}

/**
 * Builds commander's commands. Those of the tree are known by name; what one takes is read when it is
 * the one that was asked for. Nothing ends the process.
 */
export async function buildCommander<C>(
  program: Program<C>,
  context: C,
  frame: Frame,
): Promise<Commander> {
  const root = new Commander(program.name);
  root.addHelpText('after', program.notes === '' ? '' : `\n${program.notes}`);
  // In a group every option stands after the command it belongs to.
  prepare(root, program, context, frame);
  if (program.commands !== undefined) root.helpCommand('help [command]', 'the help of a command');
  if (program.load !== undefined) declare(root, await program.load(), context, frame);
  frame.onCommand(root);
  return root;
}

function prepare<C>(built: Commander, entry: CommandEntry<C>, context: C, frame: Frame): void {
  built
    .summary(entry.summary)
    .description(entry.summary)
    .helpCommand(false)
    .helpOption('-h, --help', 'print this help')
    .enablePositionalOptions()
    .configureOutput({ outputError: () => {} })
    .exitOverride((error) => frame.onStop(error, built));
  const commands = Object.entries(entry.commands ?? {});
  for (const [name, child] of commands) prepare(built.command(name), child, context, frame);
  if (commands.length === 0) return;
  built.hook('preSubcommand', async (_parent, chosen) => {
    frame.onCommand(chosen);
    const load = entry.commands?.[chosen.name()]?.load;
    if (load !== undefined) declare(chosen, await load(), context, frame);
  });
}

/** Gives a command its options, its operands and its work. */
function declare<C>(built: Commander, declared: Command<C>, context: C, frame: Frame): void {
  const options = declareOptions(built, declared.options);
  const operands = declareOperands(built, declared.operands);
  if (declared.description !== undefined) {
    built.description(`${built.summary()}\n\n${reflowed(declared.description)}`);
  }
  if (declared.passesOn !== undefined) built.passThroughOptions();
  if (declared.passesOn === 'everything') built.helpOption(false).allowUnknownOption();
  built.action(async () => {
    refuseMisplaced(built);
    const given = { options: options(), operands: operands() };
    frame.onDone(await declared.run(given, context));
  });
}

function declareOptions(built: Commander, declared: Options): () => Record<string, unknown> {
  const known = Object.entries(declared).map(([name, one]) => {
    const label = `--${name}`;
    const flags = one.type === null ? label : `${label} <${one.type.placeholder}>`;
    const hint = one.type === null || one.type.hint === '' ? '' : `, ${one.type.hint}`;
    const option = new CommanderOption(flags, `${one.summary}${hint}`);
    if (one.fallback !== undefined && one.type !== null) option.default(one.fallback);
    if (one.type !== null) {
      let before: unknown;
      option.argParser((given: string) => (before = one.read(label, given, before)));
    }
    return { name, one, option };
  });
  for (const { option } of known) built.addOption(option);
  return () =>
    Object.fromEntries(
      known.map(({ name, one, option }) => {
        const value: unknown = built.getOptionValue(option.attributeName()) ?? one.fallback;
        // Here and not by commander, which looks for it before it tells of a misspelt option.
        if (one.isRequired && value === undefined) {
          throw new UsageError(`${option.flags} is required: ${one.summary}`);
        }
        return [name, value];
      }),
    );
}

function declareOperands(built: Commander, declared: Operands): () => Record<string, unknown> {
  const known = Object.entries(declared).map(([name, one]) => {
    const argument = new Argument(one.isVariadic ? `[${name}...]` : `<${name}>`, one.summary);
    argument.argParser((given: string, before: unknown) => one.read(`<${name}>`, given, before));
    built.addArgument(argument);
    return name;
  });
  return () =>
    Object.fromEntries(known.map((name, place) => [name, built.processedArgs[place] ?? []]));
}

/** Commander breaks lines by the terminal's width; ours are broken by the source's. */
function reflowed(text: string): string {
  return text.replaceAll(/(?<!\n)\n(?!\n)/g, ' ');
}

/** An option of a group means nothing to the commands below it: it must not be passed over in silence. */
function refuseMisplaced(built: Commander): void {
  for (let above = built.parent; above !== null; above = above.parent) {
    const misplaced = above.options.find(
      (one) => above.getOptionValueSource(one.attributeName()) === 'cli',
    );
    if (misplaced !== undefined) {
      throw new UsageError(`${misplaced.long} must not stand before a command`);
    }
  }
}

/** The words that name a command: `./dev matrix kafka`. */
export function pathOf(built: Commander): string {
  return built.parent === null ? built.name() : `${pathOf(built.parent)} ${built.name()}`;
}
