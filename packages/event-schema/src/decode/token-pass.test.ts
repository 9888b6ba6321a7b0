import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyEvent } from '../../test/arbitraries.ts';
import { anyMutation } from '../../test/mutations.ts';
import { tokenPass } from './token-pass.ts';

/** What the language's own parser makes of a text, or undefined where it refuses. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A text whose only sins are those the pass names itself, with those taken out. */
function withoutNamedSins(text: string): string {
  return text.replaceAll('\0', ' ').replaceAll(/NaN|-?Infinity/g, 'null');
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const brackets = fc.string({ unit: fc.constantFrom(...'{}[]:,"a1 '), maxLength: 24 });
const anyText: fc.Arbitrary<string> = fc.oneof(
  fc.json({ maxDepth: 4 }),
  brackets.map((text) => `{${text}}`),
  anyEvent.chain(anyMutation).map((bytes) => bytes.toString('utf8')),
);

describe('the token pass', () => {
  it('accepts exactly the JSON objects JSON.parse accepts', () => {
    let accepted = 0;
    fc.assert(
      fc.property(anyText.map(withoutNamedSins), (text) => {
        const isAccepted = tokenPass(text).malformed === null;
        if (isAccepted) accepted += 1;
        expect(isAccepted).toBe(isObject(parsed(text)));
      }),
      { numRuns: 4000 },
    );
    expect(accepted).toBeGreaterThan(400);
  });

  it('finds the members JSON.parse finds, and where their values lie', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 })), (object) => {
        const text = JSON.stringify(object, null, 1);
        const { members } = tokenPass(text);
        const read = members.map(({ name, start, end }) => [name, text.slice(start, end)]);
        const expected = Object.entries(JSON.parse(text) as object);
        expect(read.map(([name, token]) => [name, parsed(String(token))])).toEqual(expected);
      }),
    );
  });

  it('measures nesting, the outermost object being 1', () => {
    expect(tokenPass('{}').depth).toBe(1);
    expect(tokenPass('{"a":[],"b":[{}],"c":{}}').depth).toBe(3);
  });

  it('survives nesting of a hundred thousand', () => {
    const depth = 100_000;
    const pass = tokenPass(`{"a":${'['.repeat(depth)}${']'.repeat(depth)}}`);
    expect(pass).toMatchObject({ malformed: null, depth: depth + 1 });
  });
});
