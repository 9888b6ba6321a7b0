import { readFileSync } from 'node:fs';
import { Compile } from 'typebox/schema';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyEvent, anyIdentifier, anyMicros2000, anyUuid } from '../test/arbitraries.ts';
import { timeText } from './time.ts';
import { encodeEvent } from './event.ts';
import { type FieldDeclaration, FIELDS } from './fields.ts';
import { fieldProblem } from './field-rule.ts';
import { publishedSchemaText } from './schema.ts';

const published = readFileSync(new URL('../schema/ad-event.schema.json', import.meta.url), 'utf8');

describe('the published JSON Schema', () => {
  it('is what the field table says (else run `pnpm --filter @adtally/event-schema schema`)', () => {
    expect(published).toBe(publishedSchemaText());
  });

  it('writes the largest amount exactly', () => {
    expect(published).toContain('"maximum": 9223372036854775807\n');
  });

  it('names every field of the table', () => {
    for (const { name } of FIELDS) expect(published).toContain(`"${name}": {`);
  });

  it('accepts every event the encoder writes and refuses one without its currency', () => {
    const validator = Compile(JSON.parse(published) as object);
    fc.assert(
      fc.property(anyEvent, (event) => {
        const json = JSON.parse(encodeEvent(event).toString()) as Record<string, unknown>;
        const { currency, ...without } = json;
        return currency !== undefined && validator.Check(json) && !validator.Check(without);
      }),
      { numRuns: 200 },
    );
  });
});

describe('field validation', () => {
  const problemOf = (name: string, value: unknown): string | null =>
    fieldProblem(FIELDS.find((field) => field.name === name) as FieldDeclaration, value);

  it('holds amounts to exactly 0..2^63-1', () => {
    expect(problemOf('price_micros', 2n ** 63n - 1n)).toBeNull();
    expect(problemOf('price_micros', 2n ** 63n)).toBe('out_of_range');
    expect(problemOf('price_micros', 0n)).toBeNull();
    expect(problemOf('price_micros', -1n)).toBe('out_of_range');
    expect(problemOf('price_micros', 5)).toBe('wrong_type');
  });

  it('counts code points, not UTF-16 units and not graphemes', () => {
    expect(problemOf('campaign_id', '\u{1F600}'.repeat(64))).toBeNull();
    expect(problemOf('campaign_id', '\u{1F600}'.repeat(65))).toBe('out_of_range');
    expect(problemOf('campaign_id', 'e\u0301'.repeat(32))).toBeNull();
    expect(problemOf('campaign_id', `${'e\u0301'.repeat(32)}e`)).toBe('out_of_range');
    expect(problemOf('campaign_id', '')).toBe('out_of_range');
  });

  it('takes every moment for a time', () => {
    fc.assert(
      fc.property(anyMicros2000, (micros) => problemOf('occurred_at', timeText(micros)) === null),
    );
  });

  it.each(FIELDS)(
    'of $name accepts what the published schema does, if the calendar does',
    (field) => {
      const { oneOf } = JSON.parse(published) as {
        oneOf: { properties: Record<string, object> }[];
      };
      const schemas = oneOf.flatMap(({ properties }) => properties[field.name] ?? []);
      const validators = schemas.map((schema) => Compile(schema));
      expect(validators).not.toHaveLength(0);
      const values = fc.oneof(TEXTS, fc.maxSafeInteger(), fc.boolean(), fc.double());
      fc.assert(
        fc.property(values, (value) => {
          const raw = Number.isInteger(value) ? BigInt(value as number) : value;
          const problem = fieldProblem(field, raw);
          for (const validator of validators) {
            const isAccepted = validator.Check(value);
            const isNoMoment = field.kind === 'time' && problem === 'out_of_range' && isAccepted;
            if (!isNoMoment) expect(isAccepted).toBe(problem === null);
          }
        }),
        { numRuns: 500 },
      );
    },
  );
});

/** Such as one field or another accepts, or nearly. */
const TEXTS = fc.oneof(
  anyIdentifier,
  anyUuid,
  fc.stringMatching(/^[A-Za-z]{2,4}$/),
  anyMicros2000.map(timeText),
  anyMicros2000.map((micros) => timeText(micros).slice(0, -1)),
  fc.string({ unit: 'binary', maxLength: 140 }),
);
