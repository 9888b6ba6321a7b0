/** Code of ours that is given bytes of anybody's. A module of `targets/` exports one as its default. */
export interface FuzzTarget {
  readonly name: string;
  /** One line for people: what is fed, and what must hold. */
  readonly what: string;
  /** Its part of all inputs, in percent: slow targets get few. */
  readonly share: number;
  /** Valid inputs that mutations begin with; those kept in corpus/<name>/ come on top. */
  seeds(): readonly Buffer[];
  /** Words that mutations put in. */
  readonly dictionary: readonly string[];
  /**
   * Feeds one input and says in a word or two what came of it.
   *
   * @throws Error where something does not hold: a finding
   */
  run(input: Buffer): string | Promise<string>;
}

/** Throws where a claim about an input does not hold. */
export function must(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(what);
}
