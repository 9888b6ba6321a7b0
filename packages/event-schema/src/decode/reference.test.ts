import { Buffer } from 'node:buffer';
import { describe, expect, it } from 'vitest';
import { batchOf, recordOf } from '../../test/rows.ts';
import { EventBatch, VERDICT } from '../batch.ts';
import { encodeEvent, type AdEvent } from '../event.ts';
import { FIELDS, type EventType } from '../fields.ts';
import { readEvent } from '../read-event.ts';
import { REJECTION_CODES, type RejectionCode } from '../rejection.ts';
import { DECODER, decodeInto } from './decode.ts';
import { DEFAULT_DECODE_LIMITS } from './limits.ts';

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
const CONVERSION = {
  ...IMPRESSION,
  event_type: 'conversion',
  price_micros: undefined,
  conversion_id: 'order-9',
  value_micros: 7n,
} as unknown as AdEvent;

const CLICK = {
  ...IMPRESSION,
  event_type: 'click',
  click_id: '018bcfe5-687b-7abc-8def-0123456789ac',
} as AdEvent;

const impressionText = encodeEvent(IMPRESSION).toString();

/** The impression with the JSON token of one member replaced, taken out (`null`) or put in. */
function withMember(name: string, token: string | null, base: AdEvent = IMPRESSION): string {
  const text = encodeEvent(base).toString();
  const member = new RegExp(`,?"${name}":("[^"]*"|[0-9]+)`);
  const bare = text.replace(member, '').replace('{,', '{');
  return token === null ? bare : bare.replace(/}$/, `,"${name}":${token}}`);
}

function codeOf(value: Buffer | string | null): string {
  const batch = batchOf(value);
  decodeInto(batch, 0);
  if (batch.verdict[0] === VERDICT.event) return 'event';
  const rejection = batch.rejections.get(0);
  return [rejection?.code, rejection?.field].filter(Boolean).join(' ');
}

const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);

describe('every fault has one name', () => {
  const cases: readonly (readonly [string, string, Buffer | string | null])[] = [
    ['a null value', 'empty', null],
    ['no bytes', 'empty', ''],
    ['one byte too many', 'oversize', ' '.repeat(65_537 - impressionText.length) + impressionText],
    ['a byte that is no UTF-8', 'invalid_utf8', Buffer.from(impressionText.replace('cmp', '\xff'), 'latin1')],
    ['an overlong NUL', 'invalid_utf8', Buffer.concat([Buffer.from('{"a":"'), Buffer.of(0xc0, 0x80), Buffer.from('"}')])],
    ['a surrogate in UTF-8', 'invalid_utf8', Buffer.concat([Buffer.from('{"a":"'), Buffer.of(0xed, 0xa0, 0x80), Buffer.from('"}')])],
    ['only spaces', 'malformed_json', '  '],
    ['a byte order mark', 'malformed_json', `\ufeff${impressionText}`],
    ['an array', 'malformed_json', `[${impressionText}]`],
    ['a string', 'malformed_json', '"impression"'],
    ['two objects', 'malformed_json', impressionText + impressionText],
    ['a cut end', 'malformed_json', impressionText.slice(0, -1)],
    ['a comma too many', 'malformed_json', impressionText.replace(/}$/, ',}')],
    ['a comment', 'malformed_json', impressionText.replace(/}$/, '/* */}')],
    ['a leading zero', 'malformed_json', withMember('price_micros', '07')],
    ['a raw line feed in a string', 'malformed_json', withMember('campaign_id', '"a\nb"')],
    ['a bad escape', 'malformed_json', withMember('campaign_id', String.raw`"\x41"`)],
    ['a misspelt literal', 'malformed_json', withMember('note', 'nul')],
    ['mismatched brackets', 'malformed_json', withMember('note', '[}')],
    ['nesting one too deep', 'too_deep', withMember('note', nested(32))],
    ['nesting of thousands', 'too_deep', withMember('note', nested(30_000))],
    ['a known field twice', 'repeated_field currency', impressionText.replace(/}$/, ',"currency":"EUR"}')],
    ['a known field twice, once escaped', 'repeated_field currency', impressionText.replace(/}$/, String.raw`,"curr\u0065ncy":"EUR"}`)],
    ['a field of another type twice', 'repeated_field click_id', impressionText.replace(/}$/, ',"click_id":1,"click_id":1}')],
    ['the version twice', 'repeated_field schema_version', impressionText.replace(/}$/, ',"schema_version":1}')],
    ['an escaped NUL', 'nul_character', withMember('campaign_id', String.raw`"a\u0000b"`)],
    ['a raw NUL', 'nul_character', withMember('campaign_id', '"a\0b"')],
    ['a NUL in an unknown field', 'nul_character', withMember('note', String.raw`{"a":"\u0000"}`)],
    ['a high half alone', 'lone_surrogate', withMember('campaign_id', String.raw`"\ud83d"`)],
    ['a low half alone', 'lone_surrogate', withMember('campaign_id', String.raw`"\uDE00"`)],
    ['two high halves', 'lone_surrogate', withMember('campaign_id', String.raw`"\ud83d\ud83d\ude00"`)],
    ['NaN', 'not_a_number', withMember('price_micros', 'NaN')],
    ['Infinity', 'not_a_number', withMember('price_micros', 'Infinity')],
    ['-Infinity in a nested place', 'not_a_number', withMember('note', '[{"a":-Infinity}]')],
    ['an empty object', 'missing_field schema_version', '{}'],
    ['no type', 'missing_field event_type', withMember('event_type', null)],
    ['no impression id', 'missing_field impression_id', withMember('impression_id', null)],
    ['no time', 'missing_field occurred_at', withMember('occurred_at', null)],
    ['no price', 'missing_field price_micros', withMember('price_micros', null)],
    ['no conversion id', 'missing_field conversion_id', withMember('conversion_id', null, CONVERSION)],
    ['a value where a price should be', 'missing_field price_micros', withMember('price_micros', null).replace(/}$/, ',"value_micros":5}')],
    ['a version in quotes', 'wrong_type schema_version', withMember('schema_version', '"1"')],
    ['a fractional version', 'wrong_type schema_version', withMember('schema_version', '1.0')],
    ['a numeric type', 'wrong_type event_type', withMember('event_type', '1')],
    ['a numeric identifier', 'wrong_type campaign_id', withMember('campaign_id', '9007199254740993')],
    ['null', 'wrong_type campaign_id', withMember('campaign_id', 'null')],
    ['an amount with a fraction', 'wrong_type price_micros', withMember('price_micros', '3.5')],
    ['an amount of 1.0', 'wrong_type price_micros', withMember('price_micros', '1.0')],
    ['an amount of 1e3', 'wrong_type price_micros', withMember('price_micros', '1e3')],
    ['an amount of -0', 'wrong_type price_micros', withMember('price_micros', '-0')],
    ['an amount of 1e400', 'wrong_type price_micros', withMember('price_micros', '1e400')],
    ['a numeric string', 'wrong_type price_micros', withMember('price_micros', '"1500"')],
    ['an amount in an array', 'wrong_type price_micros', withMember('price_micros', '[1500]')],
    ['a negative amount', 'out_of_range price_micros', withMember('price_micros', '-1')],
    ['an amount of 2^63', 'out_of_range price_micros', withMember('price_micros', '9223372036854775808')],
    ['an amount of 60,000 digits', 'out_of_range price_micros', withMember('price_micros', '9'.repeat(60_000))],
    ['a short uuid', 'out_of_range impression_id', withMember('impression_id', '"018bcfe5"')],
    ['a uuid without dashes', 'out_of_range impression_id', withMember('impression_id', '"018bcfe5687b7abc8def0123456789ab"')],
    ['a uuid in braces', 'out_of_range impression_id', withMember('impression_id', '"{018bcfe5-687b-7abc-8def-0123456789ab}"')],
    ['an empty identifier', 'out_of_range campaign_id', withMember('campaign_id', '""')],
    ['65 ASCII characters', 'out_of_range campaign_id', withMember('campaign_id', `"${'x'.repeat(65)}"`)],
    ['65 code points', 'out_of_range campaign_id', withMember('campaign_id', `"${'é'.repeat(65)}"`)],
    ['a currency in lower case', 'out_of_range currency', withMember('currency', '"eur"')],
    ['a day that does not exist', 'out_of_range occurred_at', withMember('occurred_at', '"2024-02-30T00:00:00Z"')],
    ['a leap second', 'out_of_range occurred_at', withMember('occurred_at', '"2016-12-31T23:59:60Z"')],
    ['no time zone', 'out_of_range occurred_at', withMember('occurred_at', '"2024-02-03T00:00:00"')],
    ['an offset no clock has', 'out_of_range occurred_at', withMember('occurred_at', '"2024-02-03T00:00:00+24:00"')],
    ['null where a time must be', 'wrong_type occurred_at', withMember('occurred_at', 'null')],
    ['null twice', 'repeated_field click_id', withMember('note', '1', CONVERSION).replace(/}$/, ',"click_id":null,"click_id":null}')],
    ['a bad transport fact', 'out_of_range sent_at', withMember('sent_at', '"yesterday"')],
    ['an unknown version', 'schema_mismatch schema_version', withMember('schema_version', '2')],
    ['a huge version', 'schema_mismatch schema_version', withMember('schema_version', '18446744073709551617')],
    ['an unknown type', 'schema_mismatch event_type', withMember('event_type', '"view"')],
    ['a type in capitals', 'schema_mismatch event_type', withMember('event_type', '"Click"')],
  ]; // prettier-ignore

  it.each(cases)('%s is %s', (_what, expected, value) => {
    expect(codeOf(value)).toBe(expected);
  });

  it('covers every code that decoding can give', () => {
    const elsewhere: readonly RejectionCode[] = [
      'key_mismatch',
      'future',
      'expired',
      'data_refused',
      'transient_downstream',
    ];
    const covered = new Set(cases.map(([, expected]) => expected.split(' ')[0]));
    expect([...covered, ...elsewhere].toSorted()).toEqual([...REJECTION_CODES].toSorted());
  });
});

describe('of several faults the first in the documented order is named', () => {
  it.each([
    ['oversize before invalid UTF-8', 'oversize', Buffer.alloc(70_000, 0xff)],
    ['malformed JSON before nesting', 'malformed_json', '{"a":' + '['.repeat(1000)],
    ['nesting before a repeated field', 'too_deep', `{"currency":${nested(40)},"currency":1}`],
    ['a repeated field before a NUL', 'repeated_field currency', String.raw`{"currency":"\u0000","currency":1}`],
    ['a NUL before half a surrogate pair', 'nul_character', String.raw`{"a":"\ud800\u0000"}`],
    ['half a surrogate pair before NaN', 'lone_surrogate', String.raw`{"a":NaN,"b":"\ud800"}`],
    ['NaN before missing fields', 'not_a_number', '{"a":NaN}'],
    ['the version before the type', 'schema_mismatch schema_version', '{"schema_version":9}'],
    ['a missing field before a wrong type', 'missing_field currency', withMember('currency', null).replace('1500', 'true')],
    ['a wrong type before a value out of range', 'wrong_type placement_id', withMember('placement_id', '5').replace('EUR', 'eur')],
    ['the first of two by declaration', 'wrong_type campaign_id', withMember('campaign_id', '5').replace('"plc-3"', '5')],
  ])('%s', (_what, expected, value) => {
    expect(codeOf(value)).toBe(expected);
  }); // prettier-ignore
});

describe('valid events in unusual spelling', () => {
  const eventOf = (value: Buffer | string): Record<string, unknown> => {
    const batch = batchOf(value);
    decodeInto(batch, 0);
    expect(batch.rejections.get(0)).toBeUndefined();
    return { ...readEvent(batch, 0), unknown: batch.unknownFields };
  };

  it.each(['0', '9007199254740991', '9007199254740993', '9223372036854775807'])(
    'amount %s survives exactly',
    (digits) => {
      expect(eventOf(withMember('price_micros', digits))['price_micros']).toBe(BigInt(digits));
    },
  );

  it('is as large as the limit allows', () => {
    const spaces = ' '.repeat(65_536 - impressionText.length);
    expect(eventOf(spaces + impressionText)).toMatchObject({ campaign_id: 'cmp-1' });
  });

  it('is nested as deep as the limit allows', () => {
    expect(eventOf(withMember('note', nested(31)))).toMatchObject({ unknown: 1 });
  });

  it('holds escapes, other scripts and pairs of surrogates', () => {
    const campaign = eventOf(withMember('campaign_id', String.raw`"\u0041\/é漢\ud83d\ude00\n"`));
    expect(campaign).toMatchObject({ campaign_id: 'A/é漢😀\n' });
  });

  it('spells a field name with escapes', () => {
    const text = impressionText.replace('"currency"', String.raw`"\u0063urrency"`);
    expect(eventOf(text)).toMatchObject({ currency: 'EUR', unknown: 0 });
  });

  it('has 64 code points of four bytes each', () => {
    const longest = '😀'.repeat(64);
    expect(eventOf(withMember('campaign_id', `"${longest}"`))).toMatchObject({
      campaign_id: longest,
    });
  });

  it('ignores and counts unknown fields, repeated ones and those of another event type too', () => {
    const extra =
      ',"note":"a","note":1,"click_id":5,"value_micros":"x","__proto__":{"currency":5}}';
    const event = eventOf(impressionText.replace(/}$/, extra));
    expect(event).toMatchObject({ unknown: 5, currency: 'EUR', price_micros: 1500n });
    expect(event).not.toHaveProperty('click_id');
  });

  it('does not take a field from __proto__', () => {
    const text = withMember('currency', null).replace(/}$/, ',"__proto__":{"currency":"EUR"}}');
    expect(codeOf(text)).toBe('missing_field currency');
  });

  it.each(['impression', 'click', 'conversion'] as const)(
    'holds null for every optional field of a %s, as if it were absent',
    (type) => {
      const base = { impression: IMPRESSION, click: CLICK, conversion: CONVERSION }[type];
      const optional = FIELDS.filter(({ optionalIn }) =>
        (optionalIn as readonly EventType[]).includes(type),
      );
      const nulls = optional.map(({ name }) => `,"${name}":null`).join('');
      const text = encodeEvent(base).toString();
      expect(eventOf(text.replace(/}$/, `${nulls}}`))).toEqual(eventOf(text));
      // The rare way, too: an escape keeps the scanner off.
      const escaped = String.raw`,"n\u006fte":1`;
      expect(eventOf(text.replace(/}$/, `${nulls}${escaped}}`))).toEqual(
        eventOf(text.replace(/}$/, `${escaped}}`)),
      );
    },
  );

  it('carries transport facts that are checked and forgotten', () => {
    const event = eventOf(
      impressionText.replace(/}$/, ',"source":"web","sent_at":"2024-01-01T00:00:00Z"}'),
    );
    expect(event).toMatchObject({ unknown: 0 });
    expect(event).not.toHaveProperty('source');
  });
});

describe('limits', () => {
  it("are the caller's to choose", () => {
    const batch = batchOf(withMember('note', nested(3)));
    DECODER.decode(batch, 0, { maxValueBytes: 1000, maxDepth: 3 });
    expect(batch.rejections.get(0)?.code).toBe('too_deep');
    const small = batchOf(impressionText);
    DECODER.decode(small, 0, { maxValueBytes: 100, maxDepth: 3 });
    expect(small.rejections.get(0)).toMatchObject({ code: 'oversize' });
  });
});

describe('a batch', () => {
  it('keeps each row its own when good and bad ones alternate and the arena grows', () => {
    const batch = new EventBatch(64);
    const long = '漢'.repeat(64);
    for (let row = 0; row < 64; row += 1) {
      const event = {
        ...IMPRESSION,
        campaign_id: `c${row}`,
        creative_id: long,
        placement_id: long,
      };
      batch.append(recordOf(row % 3 === 0 ? Buffer.from('{') : encodeEvent(event)), 1);
      DECODER.decode(batch, row, DEFAULT_DECODE_LIMITS);
    }
    for (let row = 0; row < 64; row += 1) {
      expect(batch.verdict[row]).toBe(row % 3 === 0 ? VERDICT.rejected : VERDICT.event);
      if (row % 3 === 0) continue;
      expect(readEvent(batch, row)).toEqual({
        ...IMPRESSION,
        campaign_id: `c${row}`,
        creative_id: long,
        placement_id: long,
      });
    }
  });
});
