import { Buffer } from 'node:buffer';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyEvent, ordinaryEvent } from '../../test/arbitraries.ts';
import { anyMutation } from '../../test/mutations.ts';
import { batchOf, decoded, rowSnapshot } from '../../test/rows.ts';
import { EventBatch, VERDICT } from '../batch.ts';
import { encodeEvent, type AdEvent } from '../event.ts';
import { FIELDS } from '../fields.ts';
import { readEvent } from '../read-event.ts';
import { RecordPlaces } from '../record-places.ts';
import { REJECTION_CODES } from '../rejection.ts';
import { parseTime, timeText } from '../time.ts';
import { DECODER, decodeInto } from './decode.ts';
import { DEFAULT_DECODE_LIMITS } from './limits.ts';

const RUNS = 2000;

/** One verdict; a rejection has a known code, a printable message and leaves no trace; always the same. */
function expectTotal(bytes: Buffer): void {
  const batch = batchOf(bytes);
  decodeInto(batch, 0);
  const rejection = batch.rejections.get(0);
  const isEvent = batch.verdict[0] === VERDICT.event && rejection === undefined;
  const isRejected =
    batch.verdict[0] === VERDICT.rejected &&
    rejection !== undefined &&
    REJECTION_CODES.includes(rejection.code) &&
    /^[ -~]+$/.test(rejection.message) &&
    batch.arenaUsed === 0 &&
    batch.unknownFields === 0;
  expect([isEvent, isRejected]).toContain(true);
  expect(decoded(decodeInto, bytes)).toEqual(rowSnapshot(batch));
}

/** Where the scanner decides, the reference says the same; where it declines, nothing has changed. */
function expectOneMeaning(bytes: Buffer, limits = DEFAULT_DECODE_LIMITS): boolean {
  const scanned = batchOf(bytes);
  const untouched = rowSnapshot(scanned);
  const accepted = DECODER.scan(scanned, 0, limits);
  const expected = accepted ? decoded(DECODER.reference, bytes, limits) : untouched;
  expect(rowSnapshot(scanned)).toEqual(expected);
  return accepted;
}

/** The same as of the bytes alone, wherever they lie: what stands behind them is none of theirs. */
function expectOwnBytesOnly(whole: Buffer, start: number, length: number): void {
  const places = new RecordPlaces(1);
  const record = { topic: 'made-up', partition: 0, offset: 0, key: null, value: whole };
  places.put(0, record);
  places.valueStart[0] = start;
  places.valueLength[0] = length;
  const batch = new EventBatch(1);
  batch.appendPlaced(places, 0, 1, () => record);
  decodeInto(batch, 0);
  expect(rowSnapshot(batch)).toEqual(decoded(decodeInto, whole.subarray(start, start + length)));
}

describe('decoding', () => {
  it('reads nothing beside its value: one that is cut is not completed by what follows', () => {
    fc.assert(
      fc.property(anyEvent, fc.nat(), fc.nat(), (event, cut, shift) => {
        const bytes = encodeEvent(event);
        const whole = Buffer.concat([bytes, bytes]);
        expectOwnBytesOnly(whole, bytes.length, bytes.length);
        expectOwnBytesOnly(whole, 0, 1 + (cut % bytes.length));
        expectOwnBytesOnly(whole, 0, bytes.length + (cut % bytes.length));
        expectOwnBytesOnly(whole, shift % bytes.length, bytes.length);
      }),
      { numRuns: RUNS / 4 },
    );
  });

  it('ends any byte string in exactly one verdict, the same every time', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => expectTotal(Buffer.from(bytes))),
      { numRuns: RUNS },
    );
  });

  it('ends any JSON document in exactly one verdict', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 6 }), (json) => expectTotal(Buffer.from(json))),
      { numRuns: RUNS },
    );
  });

  it('ends any mutated event in exactly one verdict', () => {
    fc.assert(fc.property(anyEvent.chain(anyMutation), expectTotal), { numRuns: RUNS });
  });

  it('gives back every event the encoder writes', () => {
    fc.assert(
      fc.property(anyEvent, (event) => {
        const batch = batchOf(encodeEvent(event));
        decodeInto(batch, 0);
        expect(batch.rejections.get(0)).toBeUndefined();
        expect(readEvent(batch, 0)).toEqual(canonical(event));
      }),
      { numRuns: RUNS },
    );
  });
});

describe('scanner and reference decoder', () => {
  it('have one meaning for valid events, and the scanner takes every ordinary one', () => {
    fc.assert(
      fc.property(anyEvent, (event) => void expectOneMeaning(encodeEvent(event))),
      { numRuns: RUNS },
    );
    fc.assert(
      fc.property(ordinaryEvent, (event) => expectOneMeaning(encodeEvent(event))),
      { numRuns: RUNS },
    );
  });

  it('have one meaning for new fields of a simple type, which do not leave the fast path', () => {
    const anyName = fc.string({ unit: fc.constantFrom(...'abc_'), minLength: 1, maxLength: 8 });
    const anyValue = fc.constantFrom('true', 'false', 'null', '0', '42', '"x"', '""');
    const extra = fc.tuple(anyName, anyValue).map(([name, value]) => `"x_${name}":${value},`);
    fc.assert(
      fc.property(ordinaryEvent, extra, extra, (event, one, other) => {
        const text = encodeEvent(event).toString();
        return expectOneMeaning(Buffer.from(`{${one}${other}${text.slice(1)}`));
      }),
      { numRuns: 300 },
    );
  });

  it('have one meaning for optional fields that are null, which do not leave the fast path', () => {
    fc.assert(
      fc.property(ordinaryEvent, (event) => {
        const { source: _source, sent_at: _sentAt, ...kept } = event;
        const text = encodeEvent(kept as AdEvent).toString();
        return expectOneMeaning(Buffer.from(`{"source":null,"sent_at": null,${text.slice(1)}`));
      }),
      { numRuns: 300 },
    );
  });

  it('have one meaning for amounts in quotes, whatever the rules of the topic say of them', () => {
    const lax = { ...DEFAULT_DECODE_LIMITS, amountsAsStrings: true };
    const quoted = (event: AdEvent): Buffer =>
      Buffer.from(
        encodeEvent(event)
          .toString()
          .replace(/_micros":([0-9]+)/, '_micros":"$1"'),
      );
    fc.assert(
      fc.property(ordinaryEvent, (event) => {
        expect(expectOneMeaning(quoted(event))).toBe(false);
        expect(expectOneMeaning(quoted(event), lax)).toBe(true);
      }),
      { numRuns: 300 },
    );
    const mutated = anyEvent.chain((event) => anyMutation(event).map((bytes) => bytes.toString()));
    fc.assert(
      fc.property(mutated, fc.constantFrom('"', '" ', '"0', '"-'), (text, quote) => {
        const bytes = text.replace(/_micros":([0-9]+)/, `_micros":${quote}$1"`);
        expectOneMeaning(Buffer.from(bytes), lax);
      }),
      { numRuns: RUNS },
    );
  });

  it('have one meaning for versions that an operator vouches for, which do not leave the fast path', () => {
    const vouching = { ...DEFAULT_DECODE_LIMITS, readAsNewest: new Set([2, 30]) };
    fc.assert(
      fc.property(ordinaryEvent, fc.constantFrom(0, 1, 2, 3, 30), (event, version) => {
        const text = encodeEvent(event).toString();
        const bytes = Buffer.from(
          text.replace(/"schema_version":1/, `"schema_version":${version}`),
        );
        expect(expectOneMeaning(bytes, vouching)).toBe([1, 2, 30].includes(version));
        expect(expectOneMeaning(bytes)).toBe(version === 1);
      }),
      { numRuns: 300 },
    );
  });

  it('have one meaning for mutated events, of which the scanner takes some', () => {
    let accepted = 0;
    fc.assert(
      fc.property(anyEvent.chain(anyMutation), (bytes) => {
        if (expectOneMeaning(bytes)) accepted += 1;
      }),
      { numRuns: RUNS * 4 },
    );
    expect(accepted).toBeGreaterThan(RUNS / 20);
  });
});

/** The event as it is read back: ids in lower case, times spelt one way, transport facts forgotten. */
function canonical(event: AdEvent): object {
  const { source: _source, sent_at: _sentAt, ...kept } = event;
  const copy: Record<string, unknown> = { ...kept };
  for (const { name, kind } of FIELDS)
    if (kind === 'uuid' && typeof copy[name] === 'string') copy[name] = copy[name].toLowerCase();
  copy['occurred_at'] = timeText(parseTime(event.occurred_at as string) as bigint);
  return copy;
}
