/** The variables of a process. */
export type Env = Readonly<Record<string, string | undefined>>;

/** What became of a variable: its value, or one sentence a problem, each naming the variable. */
export type Reading<T> = { readonly value: T } | { readonly problems: readonly string[] };

/** One variable of the environment: how it is named, read, explained and shown. */
export interface EnvField<T> {
  readonly variable: string;
  /** Names a file that the value may come from instead; see secret.ts. */
  readonly fileVariable?: string | undefined;
  /** What it is for, in Markdown: a cell of the README's table. */
  readonly meaning: string;
  /** What is allowed, for error messages, e.g. "an integer 1..20000". */
  readonly allowed: string;
  /** The text used where the variable is unset or empty; undefined = required. */
  readonly defaultText: string | undefined;
  /** What the README's table says instead, where the value comes from elsewhere. */
  readonly defaultWords?: string | undefined;
  read(env: Env): Reading<T>;
  /** The value for people; credentials masked. */
  show(value: T): string;
}

/** What every kind of field takes. */
export interface FieldOptions<T> {
  readonly default?: T;
  readonly meaning: string;
  readonly defaultWords?: string;
}

/** Sentences of a field's own on a text that is not allowed, each naming the variable. */
export class NotAllowed {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    this.problems = problems;
  }
}

export interface Kind<T> {
  readonly allowed: string;
  readonly meaning: string;
  readonly defaultText: string | undefined;
  readonly defaultWords?: string | undefined;
  /** Never quoted in an error. */
  readonly hidden?: boolean;
  /** Blanks around the text are no part of it. */
  readonly trim?: boolean | undefined;
  /** The value; undefined, or problems of its own, where the text is not allowed. */
  readonly parse: (text: string) => T | NotAllowed | undefined;
  readonly show?: (value: T) => string;
}

const QUOTED_CHARACTERS_MAX = 80;

/** A field of any kind; those most needed are in fields.ts. */
export function field<T>(variable: string, kind: Kind<T>): EnvField<T> {
  const { allowed, meaning, defaultText, defaultWords } = kind;
  return {
    variable,
    meaning,
    allowed,
    defaultText,
    defaultWords,
    show: kind.show ?? String,
    read(env) {
      const given = kind.trim === true ? env[variable]?.trim() : env[variable];
      const text = given === undefined || given === '' ? defaultText : given;
      if (text === undefined) return { problems: [`${variable} is required: ${allowed}`] };
      const value = kind.parse(text);
      if (value instanceof NotAllowed) return { problems: value.problems };
      return value === undefined
        ? { problems: [describeProblem(variable, kind, text)] }
        : { value };
    },
  };
}

/** The same field where a process can do without it: unset and empty read as ''. */
export function optional(required: EnvField<string>, meaning: string): EnvField<string> {
  const { variable } = required;
  return {
    ...required,
    meaning,
    defaultText: '',
    read: (env) => ((env[variable]?.trim() ?? '') === '' ? { value: '' } : required.read(env)),
  };
}

function describeProblem(variable: string, kind: Kind<any>, text: string): string {
  const { allowed, defaultText, hidden = false } = kind;
  // A mistyped URL may hold a password where a mask would not find it: never quoted.
  const isQuoted = !hidden && !text.includes('://') && !text.includes('@');
  const quoted = isQuoted ? JSON.stringify(text.slice(0, QUOTED_CHARACTERS_MAX)) : 'its value';
  const fallback =
    defaultText === undefined || hidden ? '' : ` (default ${JSON.stringify(defaultText)})`;
  return `${variable}: ${quoted} is not allowed; give ${allowed}${fallback}`;
}
