import type { Command, CommandEntry, Program } from '../src/command.ts';

/** One command of a program, or the program itself. */
export interface DeclaredCommand<C> {
  /** The words that name it, without the program's. */
  readonly path: readonly string[];
  /** Absent for a group that is only its commands. */
  readonly command: Command<C> | undefined;
  /** Names of the commands below it. */
  readonly commands: readonly string[];
}

/** Every command that a program declares, groups and the program itself among them. */
export async function declaredCommands<C>(program: Program<C>): Promise<DeclaredCommand<C>[]> {
  return await below(program, []);
}

async function below<C>(
  entry: CommandEntry<C>,
  path: readonly string[],
): Promise<DeclaredCommand<C>[]> {
  const children = Object.entries(entry.commands ?? {});
  const command = await entry.load?.();
  const found: DeclaredCommand<C>[] = [{ path, command, commands: children.map(([name]) => name) }];
  for (const [name, child] of children) found.push(...(await below(child, [...path, name])));
  return found;
}
