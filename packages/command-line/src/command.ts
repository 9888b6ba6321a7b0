import type { Operands, Options, ValuesOf } from './parameters.ts';

/** What a command was given, by the names of its declaration. */
export interface Given<O extends Options, A extends Operands> {
  readonly options: ValuesOf<O>;
  readonly operands: ValuesOf<A>;
}

/** Arguments that belong to another program: none of them is looked at, `--help` neither. */
export type PassedOn = 'everything' | 'after the first operand';

/** One command: what it takes and what it does. `C` is what its program hands to every command. */
export interface Command<C> {
  /** More than the one line of its entry, for its own help. */
  readonly description?: string;
  readonly options: Options;
  readonly operands: Operands;
  readonly passesOn: PassedOn | undefined;
  /** Does the work and says what the process is to exit with. */
  readonly run: (given: Given<any, any>, context: C) => Promise<number>;
}

/** A command in its program's tree: known by name and one line, read when it is asked for. */
export interface CommandEntry<C> {
  /** One line without a full stop. */
  readonly summary: string;
  /** Absent for a group that is only its commands. */
  readonly load?: () => Promise<Command<C>>;
  readonly commands?: CommandTree<C>;
}

export type CommandTree<C> = Readonly<Record<string, CommandEntry<C>>>;

/** A whole program. */
export interface Program<C> extends CommandEntry<C> {
  /** As its user writes it: `./dev`, `ops`. */
  readonly name: string;
  /** What the program's own help ends with: its configuration, its exit codes. */
  readonly notes: string;
}

/**
 * Declares a command: the values `run` gets have the types of the declared options and operands.
 * Nothing is parsed here; `runProgram` refuses everything that is not declared.
 */
export function command<
  C,
  const O extends Options = Record<string, never>,
  const A extends Operands = Record<string, never>,
>(declared: {
  readonly description?: string;
  readonly options?: O;
  readonly operands?: A;
  readonly passesOn?: PassedOn;
  readonly run: (given: Given<O, A>, context: C) => Promise<number>;
}): Command<C> {
  return { options: {}, operands: {}, passesOn: undefined, ...declared };
}
