import { Buffer } from 'node:buffer';
import * as fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { anyEvent, ordinaryEvent } from '../../test/arbitraries.ts';
import { anyMutation } from '../../test/mutations.ts';
import { decoded, rowSnapshot } from '../../test/rows.ts';
import { PRINTED, WRAPPERS } from '../../test/wrapped.ts';
import { EventBatch, VERDICT } from '../batch.ts';
import { encodeEvent, type AdEvent } from '../event.ts';
import { RecordPlaces } from '../record-places.ts';
import type { Rejection } from '../rejection.ts';
import { DECODER, decodeInto } from './decode.ts';
import { DEFAULT_DECODE_LIMITS, type DecodeLimits } from './limits.ts';

const AUTO: DecodeLimits = { ...DEFAULT_DECODE_LIMITS, valueFormat: 'auto' };
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
const JSON_BYTES = encodeEvent(IMPRESSION);
const FRAMED = WRAPPERS["Confluent's framing"] as (json: Buffer) => Buffer;
const CONNECT = WRAPPERS['a Kafka Connect envelope'] as (json: Buffer) => Buffer;
const CLOUD = WRAPPERS['a CloudEvents envelope'] as (json: Buffer) => Buffer;

interface Row {
  readonly verdict: number;
  readonly rejection: Rejection | null;
}

const read = (value: Buffer | string, limits = AUTO): Row =>
  decoded(decodeInto, value, limits) as Row;

function rejectionOf(value: Buffer | string, limits = AUTO): string {
  const { code, field, message } = read(value, limits).rejection as Rejection;
  return [code, field, `- ${message}`].filter((part) => part !== undefined).join(' ');
}

describe.each(Object.entries(WRAPPERS))('an event in %s', (_what, wrap) => {
  it('is the event itself where the topic is of format auto, by both decoders', () => {
    const same = (event: AdEvent): void => {
      const json = encodeEvent(event);
      const itself = decoded(decodeInto, json);
      expect(read(wrap(json))).toEqual(itself);
      expect(decoded(DECODER.reference, wrap(json), AUTO)).toEqual(itself);
    };
    fc.assert(fc.property(ordinaryEvent, same), { numRuns: 200 });
    fc.assert(fc.property(anyEvent, same), { numRuns: 200 });
  });

  it('has one meaning for both decoders, and the verdict of what it holds, whatever that is', () => {
    fc.assert(
      fc.property(anyEvent.chain(anyMutation), (bytes) => {
        const row = read(wrap(bytes));
        expect(decoded(DECODER.reference, wrap(bytes), AUTO)).toEqual(row);
        const itself = decoded(decodeInto, bytes) as Row;
        // Text that breaks out of its place makes another value.
        if (itself.verdict === VERDICT.event) expect(row).toEqual(itself);
        else if (itself.rejection?.code === 'out_of_range') expect(row).toEqual(itself);
      }),
      { numRuns: 1_000 },
    );
  });

  it('is read from its own bytes alone, wherever they lie', () => {
    fc.assert(
      fc.property(anyEvent, fc.nat(40), fc.nat(), (event, before, cut) => {
        const bytes = wrap(encodeEvent(event));
        const length = cut % 3 === 0 ? bytes.length : 1 + (cut % bytes.length);
        const places = new RecordPlaces(1);
        const whole = Buffer.concat([bytes.subarray(0, before), bytes, bytes]);
        const record = { topic: 'made-up', partition: 0, offset: 0, key: null, value: whole };
        places.put(0, record);
        places.valueStart[0] = Math.min(before, bytes.length);
        places.valueLength[0] = length;
        const batch = new EventBatch(1);
        batch.appendPlaced(places, 0, 1, () => record);
        decodeInto(batch, 0, AUTO);
        expect(rowSnapshot(batch)).toEqual(read(bytes.subarray(0, length)));
      }),
      { numRuns: 300 },
    );
  });

  it('is rejected where the format is plain, and told what would read it', () => {
    const row = read(wrap(JSON_BYTES), DEFAULT_DECODE_LIMITS);
    expect(row.verdict).toBe(VERDICT.rejected);
    expect(row.rejection?.message).toMatch(
      /; it looks like (Confluent's framing of JSON|a Kafka Connect envelope|a CloudEvents envelope), which is read where the topic says so \(ops topics set --value-format auto\)$/,
    );
  });
});

test.each(Object.entries(PRINTED))('what %s prints is read', (_who, value) => {
  expect(read(value)).toEqual({ ...read(JSON_BYTES), arenaUsed: expect.any(Number) });
});

describe('a value of format auto', () => {
  it('may be plain all the same', () => {
    fc.assert(
      fc.property(anyEvent.chain(anyMutation), (bytes) => {
        const [plain, auto] = [decoded(decodeInto, bytes) as Row, read(bytes)];
        expect(auto.verdict).toBe(plain.verdict);
        if (plain.rejection === null) expect(auto).toEqual(plain);
        expect(auto.rejection?.code).toBe(plain.rejection?.code);
      }),
      { numRuns: 1_000 },
    );
  });

  it('is an event where it names its version, whatever else it has', () => {
    const text = JSON_BYTES.toString().replace(/}$/, ',"specversion":"1.0","data":{}}');
    expect(read(text)).toMatchObject({ verdict: VERDICT.event, unknownFields: 2 });
  });

  it.each([
    [FRAMED(Buffer.from('null')), 'malformed_json - the value is not a JSON object'],
    [FRAMED(Buffer.from([2, 0x80, 7])), "invalid_utf8 - the value is not UTF-8; it looks like Confluent's framing of Avro or Protobuf, which is not read"],
    [FRAMED(Buffer.from('\n\u0002ab')), "malformed_json - the value is not a JSON object; it looks like Confluent's framing of Avro or Protobuf, which is not read"],
    [Buffer.of(0, 0, 0, 0, 1), 'malformed_json - the value is not a JSON object'],
    [FRAMED(FRAMED(JSON_BYTES)), 'invalid_utf8 - the value is not UTF-8'],
    [CONNECT(Buffer.from('null')), 'empty payload - a Kafka Connect envelope holds null as its payload'],
    [CONNECT(Buffer.from('"text"')), 'malformed_json payload - a Kafka Connect envelope whose payload is not a JSON object'],
    [CONNECT(Buffer.from('{}')), 'missing_field schema_version - the field is missing'],
    [CONNECT(CLOUD(JSON_BYTES)), 'missing_field schema_version - the field is missing'],
    [CLOUD(Buffer.from('{"schema_version":9}')), 'schema_mismatch schema_version - the version is unknown'],
    [CLOUD(Buffer.from('{"currency":1,"currency":1}')), 'repeated_field currency - the field stands twice'],
    ['{"specversion":"1.0","data":{},"data":{}}', 'repeated_field data - the field stands twice'],
    ['{"specversion":"1.0","data_base64":"e30="}', 'missing_field data - a CloudEvents envelope holds no data'],
    ['{"specversion":"1.0","data":{},"x":"\\u0000"}', 'nul_character - a string holds U+0000'],
    ['{"schema":{},"payload":{},"more":1}', 'missing_field schema_version - the field is missing'],
  ])('%# is rejected by name', (value, expected) => {
    const said = rejectionOf(value);
    expect(said.slice(0, expected.length)).toBe(expected);
    expect(said).toMatch(/^[ -~]+$/);
  }); // prettier-ignore

  it.each<[NonNullable<DecodeLimits['schemaOf']>, string]>([
    [() => undefined, "; it looks like Confluent's framing of Avro or Protobuf, which is not read"],
    [() => null, "; it is framed as Confluent's serializers do with schema 12488, which the registry does not have"],
    [() => ({ type: 'JSON', subject: 'a-value' }), "; it is framed as Confluent's serializers do with schema 12488, JSON of subject \"a-value\" by the registry"],
    [() => ({ type: 'AVRO', subject: null }), "; it is framed as Confluent's serializers do with schema 12488, AVRO by the registry: only JSON is read"],
  ])('%# is rejected with what the registry says of its number', (schemaOf, hint) => {
    const said = rejectionOf(FRAMED(Buffer.of(2, 0x61)), { ...AUTO, schemaOf });
    expect(said).toBe(`malformed_json - the value is not a JSON object${hint}`);
    expect(read(FRAMED(JSON_BYTES), { ...AUTO, schemaOf }).verdict).toBe(VERDICT.event);
  }); // prettier-ignore

  it('is limited as a whole: length and nesting of its envelope count', () => {
    const deep = { ...AUTO, maxDepth: 1 };
    expect(rejectionOf(CLOUD(JSON_BYTES), deep)).toContain('too_deep');
    expect(read(FRAMED(JSON_BYTES), deep).verdict).toBe(VERDICT.event);
    const short = { ...AUTO, maxValueBytes: JSON_BYTES.length };
    expect(rejectionOf(FRAMED(JSON_BYTES), short)).toContain('oversize');
  });
});
