import { describe, expect, it } from 'vitest';
import { batchOf } from '../../test/rows.ts';
import { encodeEvent, type AdEvent } from '../event.ts';
import { readEvent } from '../read-event.ts';
import { decodeInto } from './decode.ts';
import { DEFAULT_DECODE_LIMITS, type DecodeLimits } from './limits.ts';

const IMPRESSION: AdEvent = {
  event_type: 'impression',
  impression_id: '018bcfe5-687b-7abc-8def-0123456789ab',
  occurred_at: '2023-11-14T22:13:20.123456Z',
  price_micros: 1500n,
  currency: 'EUR',
  campaign_id: 'cmp-1',
  creative_id: 'crt-2',
  placement_id: 'plc-3',
};

/** The impression with another JSON token for its price, or its version. */
function withToken(name: 'price_micros' | 'schema_version', token: string): string {
  return encodeEvent(IMPRESSION)
    .toString()
    .replace(new RegExp(`"${name}":[0-9]+`), `"${name}":${token}`);
}

function codeOf(value: string, limits: DecodeLimits): string {
  const batch = batchOf(value);
  decodeInto(batch, 0, limits);
  const rejection = batch.rejections.get(0);
  return [rejection?.code, rejection?.field].filter(Boolean).join(' ');
}

describe('amounts as strings, where the rules of the topic allow them', () => {
  const limits = { ...DEFAULT_DECODE_LIMITS, amountsAsStrings: true };

  it.each(['0', '1500000', '9007199254740993', '9223372036854775807'])(
    '"%s" is exact',
    (digits) => {
      for (const text of [
        withToken('price_micros', `"${digits}"`),
        withToken('price_micros', digits),
      ]) {
        const batch = batchOf(text);
        decodeInto(batch, 0, limits);
        expect(readEvent(batch, 0)).toMatchObject({ price_micros: BigInt(digits) });
      }
    },
  );

  it.each([
    ['"9223372036854775808"', 'out_of_range price_micros'],
    ['"999999999999999999999999"', 'out_of_range price_micros'],
    ['"-1"', 'wrong_type price_micros'],
    ['"+1"', 'wrong_type price_micros'],
    ['"01"', 'wrong_type price_micros'],
    ['"1.0"', 'wrong_type price_micros'],
    ['"1e3"', 'wrong_type price_micros'],
    ['" 1"', 'wrong_type price_micros'],
    ['""', 'wrong_type price_micros'],
    ['1.0', 'wrong_type price_micros'],
  ])('%s is %s', (token, expected) => {
    expect(codeOf(withToken('price_micros', token), limits)).toBe(expected);
  });

  it('are no other numbers: a version in quotes stays one of the wrong type', () => {
    expect(codeOf(withToken('schema_version', '"1"'), limits)).toBe('wrong_type schema_version');
  });

  it('are hinted at by the rejection where the rules do not allow them', () => {
    const batch = batchOf(withToken('price_micros', '"1500"'));
    decodeInto(batch, 0);
    expect(batch.rejections.get(0)?.message).toContain('--amounts-as-strings yes');
  });
});
