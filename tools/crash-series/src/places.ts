import { parseSync, Visitor } from 'oxc-parser';

/**
 * One `await` of the sources, by a name that stays the same for as long as its function and what it waits for
 * do: `pipeline/batch-committer BatchCommitter.commit > writeBatch`, the second of two alike with `#2`.
 */
export interface Place {
  readonly name: string;
  readonly kind: 'await' | 'for await';
  /** Of the whole expression; of a loop, of what is iterated. */
  readonly start: number;
  readonly end: number;
  /** Where what is awaited begins. */
  readonly from: number;
}

interface Span {
  readonly start: number;
  readonly end: number;
}

interface Named extends Span {
  readonly name: string;
}

const WHAT_MAX = 60;

/** `packages/pipeline/src/batch-committer.ts` is `pipeline/batch-committer`. */
export function moduleName(path: string): string {
  return path
    .replace(/^(?:packages|apps)\//, '')
    .replace('/src/', '/')
    .replace(/\.ts$/, '');
}

/** Every await of a file, in the order of the text. */
export function placesOf(path: string, text: string): Place[] {
  const { program, errors } = parseSync(path, text);
  if (errors.length > 0) throw new Error(`${path}: ${errors[0]?.message}`);
  const scopes: Named[] = [];
  const found: Omit<Place, 'name'>[] = [];
  const scope = ({ start, end }: Span, name: string | undefined) => {
    if (name !== undefined) scopes.push({ start, end, name });
  };
  const textOf = ({ start, end }: Span) => text.slice(start, end);
  new Visitor({
    ClassDeclaration: (node) => scope(node, node.id?.name),
    FunctionDeclaration: (node) => scope(node, node.id?.name),
    MethodDefinition: (node) => scope(node, textOf(node.key)),
    PropertyDefinition: (node) => scope(node, textOf(node.key)),
    Property: (node) => {
      if (node.value.type.endsWith('FunctionExpression')) scope(node, textOf(node.key));
    },
    VariableDeclarator: (node) => {
      if (node.init?.type.endsWith('FunctionExpression') === true) scope(node, textOf(node.id));
    },
    AwaitExpression: ({ start, end, argument }) => {
      found.push({ kind: 'await', start, end, from: argument.start });
    },
    ForOfStatement: ({ await: isAwaited, right: { start, end } }) => {
      if (isAwaited) found.push({ kind: 'for await', start, end, from: start });
    },
    VariableDeclaration: ({ kind, start }) => {
      if (kind === 'await using') throw new Error(`${path}:${start}: an await without a place`);
    },
  }).visit(program);
  const times = new Map<string, number>();
  return found
    .toSorted((a, b) => a.start - b.start)
    .map((place) => {
      const within = scopes
        .filter(({ start, end }) => start <= place.start && place.end <= end)
        .toSorted((a, b) => a.start - b.start || b.end - a.end)
        .map(({ name }) => name.replace('#', ''));
      const what = whatOf(text.slice(place.from, place.end));
      const where = within.length === 0 ? '' : ` ${within.join('.')}`;
      const plain = `${moduleName(path)}${where} > ${what}`;
      const time = (times.get(plain) ?? 0) + 1;
      times.set(plain, time);
      return { ...place, name: time === 1 ? plain : `${plain} #${time}` };
    });
}

/** What is awaited, in short: of a call its callee, of a chain of them the first with its text. */
function whatOf(text: string): string {
  const flat = text
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/ ?(\??\.) ?/g, '$1')
    .replaceAll(/\bthis\.|#|\bparts\./g, '');
  const first = /^(?:\(?await )?([\w.$?!]+?)(?:\?\.)?(?:<[^()]*>)?[(`]('[^']*')?/.exec(flat);
  if (first === null) return flat.slice(0, WHAT_MAX);
  const [, callee = '', table] = first;
  return table === undefined ? callee : `${callee}(${table})`;
}

/** The text with a gate before and behind each place; what is awaited stays as it is. */
export function withGates(path: string, text: string, gate: string): string {
  const inserts: [at: number, text: string][] = [];
  for (const { name, kind, start, end, from } of placesOf(path, text)) {
    const quoted = JSON.stringify(name);
    if (kind === 'await') {
      inserts.push([start, `__after(${quoted}, `], [from, `(__before(${quoted}), `], [end, '))']);
    } else inserts.push([start, `__each(${quoted}, `], [end, ')']);
  }
  let gated = text;
  // From the end; of inserts at one place the inner one first, which is the later of those that open.
  for (const [at, insert] of order(inserts)) gated = gated.slice(0, at) + insert + gated.slice(at);
  return `import { after as __after, before as __before, each as __each } from ${JSON.stringify(gate)};\n${gated}`;
}

function order(inserts: readonly [number, string][]): [number, string][] {
  const isClosing = (text: string) => text.startsWith(')');
  return inserts
    .map((insert, index) => ({ insert, index }))
    .toSorted((a, b) => {
      if (a.insert[0] !== b.insert[0]) return b.insert[0] - a.insert[0];
      // Whoever closes here closes before anything opens, so it is inserted last and stands first.
      const closing = Number(isClosing(a.insert[1])) - Number(isClosing(b.insert[1]));
      return closing === 0 ? b.index - a.index : closing;
    })
    .map(({ insert }) => insert);
}
