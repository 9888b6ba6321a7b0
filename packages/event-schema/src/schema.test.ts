import { readFileSync } from 'node:fs';
import { Compile } from 'typebox/schema';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyEvent } from '../test/arbitraries.ts';
import { encodeEvent } from './event.ts';
import { FIELDS } from './fields.ts';
import { fieldValidatorSchema, publishedSchemaText } from './schema.ts';
import { createContract } from './contract.ts';

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
  const problemOf = (name: string, value: unknown): string | null | undefined =>
    createContract()
      .fields.find((plan) => plan.field.name === name)
      ?.problemOf(value);

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

  it('knows a schema for every kind of field', () => {
    for (const field of FIELDS) expect(fieldValidatorSchema(field)).toBeTypeOf('object');
  });
});
