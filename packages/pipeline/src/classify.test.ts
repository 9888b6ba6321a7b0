import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import {
  DEFAULT_TOPIC_RULES,
  encodeEvent,
  EventBatch,
  EVENT_KEY_HEADER,
  readEvent,
  uuidBytes,
  uuidText,
  VERDICT,
  type AdEvent,
  type SourceRecord,
} from '@adtally/event-schema';
import { eventKeyOf, partitionFor } from '@adtally/key-derivation';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { classify, readBy, type ClassifyRules } from './classify.ts';

const PARTITIONS = 12;
const DAY_MS = 24 * 3_600_000;
/** The millisecond inside the id below. */
const ID_MS = 1_700_000_000_123;
/** A clock that says the id below is made years later. */
const YEARS_BEFORE_MS = Date.UTC(2016, 0, 1);
const V7 = '018bcfe5-687b-7abc-8def-0123456789ab';
const V4 = '7c9e6679-7425-40de-944b-e07fc1f90ae7';
const RULES: ClassifyRules = { horizonMs: null, partitions: PARTITIONS };

function impression(id: string = V7): AdEvent {
  return {
    event_type: 'impression',
    impression_id: id,
    occurred_at: '2023-11-14T22:13:20.123456Z',
    price_micros: 1500n,
    currency: 'EUR',
    campaign_id: 'cmp-1',
    creative_id: 'crt-2',
    placement_id: 'plc-3',
  };
}

/** The event as a well-behaved producer sends it. */
function recordOf(event: AdEvent, changes: Partial<SourceRecord> = {}): SourceRecord {
  const key = Buffer.from(event.impression_id.toLowerCase());
  return {
    topic: 'made-up',
    partition: partitionFor(key, PARTITIONS),
    offset: 0,
    key,
    value: encodeEvent(event),
    timestamp: ID_MS,
    ...changes,
  };
}

function classified(record: SourceRecord, rules: ClassifyRules = RULES): EventBatch {
  const batch = new EventBatch(1);
  batch.append(record, 1);
  classify(batch, 0, rules);
  return batch;
}

function outcomeOf(record: SourceRecord, rules: ClassifyRules = RULES): string {
  const batch = classified(record, rules);
  return batch.verdict[0] === VERDICT.event ? 'event' : String(batch.rejections.get(0)?.code);
}

const keyText = uuidText(eventKeyOf('impression', uuidBytes(V7) as Buffer, null));

describe('the header that states the key', () => {
  const withHeaders = (...headers: SourceRecord['headers'] & {}): SourceRecord =>
    recordOf(impression(), { headers });

  it.each([
    ['absent', []],
    ['another header', [{ traceparent: Buffer.from('x') }]],
    ['the derived key as bytes', [{ [EVENT_KEY_HEADER]: Buffer.from(keyText) }]],
    ['the derived key as a string', [{ [EVENT_KEY_HEADER]: keyText }]],
    ['the derived key in upper case', [{ [EVENT_KEY_HEADER]: keyText.toUpperCase() }]],
    ['another spelling of its name', [{ 'Adtally-Event-Key': 'x' }]],
  ])('%s: the event counts', (_what, headers) => {
    expect(outcomeOf(withHeaders(...headers))).toBe('event');
  });

  it.each([
    ['the key of another event', [{ [EVENT_KEY_HEADER]: V7 }]],
    ['no uuid', [{ [EVENT_KEY_HEADER]: Buffer.from('key') }]],
    ['empty', [{ [EVENT_KEY_HEADER]: Buffer.alloc(0) }]],
    ['no value', [{ [EVENT_KEY_HEADER]: undefined }]],
    ['the 16 bytes instead of text', [{ [EVENT_KEY_HEADER]: uuidBytes(keyText) as Buffer }]],
    ['bytes that are no text', [{ [EVENT_KEY_HEADER]: Buffer.alloc(36, 0xff) }]],
    ['a space too many', [{ [EVENT_KEY_HEADER]: `${keyText} ` }]],
    ['repeated, though right', [{ [EVENT_KEY_HEADER]: keyText }, { [EVENT_KEY_HEADER]: keyText }]],
    ['first no value, then right', [{ [EVENT_KEY_HEADER]: undefined }, { [EVENT_KEY_HEADER]: keyText }]],
  ])('%s: key_mismatch', (_what, headers) => {
    expect(outcomeOf(withHeaders(...headers))).toBe('key_mismatch');
  }); // prettier-ignore
});

describe('the time inside an id', () => {
  const at = (timestamp: number | undefined, id = V7): SourceRecord =>
    recordOf(impression(id), { timestamp });

  it('may be 24 h ahead of the broker, and not a millisecond more', () => {
    expect(outcomeOf(at(ID_MS - DAY_MS))).toBe('event');
    expect(outcomeOf(at(ID_MS - DAY_MS - 1))).toBe('future');
  });

  it("may be as far ahead as the topic's rules say, and the rejection names by how much", () => {
    const limits = { maxValueBytes: 65_536, maxDepth: 32 };
    const by = (futureToleranceMs: number): ClassifyRules => ({
      ...RULES,
      ...readBy(limits, { ...DEFAULT_TOPIC_RULES, futureToleranceMs }),
    });
    expect(outcomeOf(at(ID_MS - 2 * DAY_MS), by(2 * DAY_MS))).toBe('event');
    expect(outcomeOf(at(ID_MS - 2 * DAY_MS - 1), by(2 * DAY_MS))).toBe('future');
    expect(outcomeOf(at(ID_MS), by(0))).toBe('event');
    const late = classified(at(ID_MS - 1), by(0)).rejections.get(0);
    expect(late?.message).toBe('the id is made more than 0 h after the broker took the record');
    const minutes = classified(at(ID_MS - DAY_MS), by(90 * 60_000)).rejections.get(0);
    expect(minutes?.message).toContain('more than 1.5 h after');
  });

  it('may be in the future in rows that an operator let through, and then still expires', () => {
    const accepting = { ...RULES, acceptsFuture: (row: number) => row === 0 };
    expect(outcomeOf(at(YEARS_BEFORE_MS), accepting)).toBe('event');
    expect(outcomeOf(at(YEARS_BEFORE_MS), { ...RULES, acceptsFuture: () => false })).toBe('future');
    expect(outcomeOf(at(YEARS_BEFORE_MS), { ...accepting, horizonMs: ID_MS + 1 })).toBe('expired');
  });

  it('is compared with the append time only where the broker gave one', () => {
    expect(outcomeOf(at(undefined))).toBe('event');
    expect(outcomeOf(at(-1))).toBe('event');
  });

  it('is not compared with a timestamp that is no clock, and those are counted', () => {
    const seen = (timestamp: number): unknown[] => {
      const batch = classified(at(timestamp));
      return [batch.verdict[0], batch.clockless];
    };
    expect(seen(-1)).toEqual([VERDICT.event, 0]);
    expect(seen(ID_MS)).toEqual([VERDICT.event, 0]);
    expect(seen(0)).toEqual([VERDICT.event, 1]);
    expect(seen(Math.trunc(ID_MS / 1000))).toEqual([VERDICT.event, 1]);
    expect(seen(ID_MS * 1000)).toEqual([VERDICT.event, 1]);
    expect(outcomeOf(at(Date.UTC(2015, 0, 1) - 1))).toBe('event');
    expect(outcomeOf(at(Date.UTC(2015, 0, 1)))).toBe('future');
  });

  it('is none in an id whose time lies in 2100 or later: it only looks like version 7', () => {
    const drafted = '06c08c2e-4b1c-7000-8000-0123456789ab';
    expect(outcomeOf(at(ID_MS, drafted))).toBe('event');
    expect(outcomeOf(at(ID_MS, drafted), { ...RULES, horizonMs: ID_MS })).toBe('event');
  });

  it('is taken for one in fewer than one of a thousand hashes spelt as a UUID', () => {
    const hashed = (n: number): string =>
      uuidText(createHash('md5').update(`made-up ${n}`).digest());
    const outcomes = Array.from({ length: 20_000 }, (_, n) => outcomeOf(at(ID_MS, hashed(n))));
    const refused = outcomes.filter((outcome) => outcome !== 'event');
    // By arithmetic 1/64 look like version 7, and 1/119 of those lie between today and 2100.
    expect(refused.length).toBeLessThan(20);
    expect(new Set(refused)).toEqual(new Set(['future']));
  });

  it('may be the retention horizon, and not a millisecond before it', () => {
    expect(outcomeOf(at(ID_MS), { ...RULES, horizonMs: ID_MS })).toBe('event');
    expect(outcomeOf(at(ID_MS), { ...RULES, horizonMs: ID_MS + 1 })).toBe('expired');
  });

  it('is not looked for in ids of another version', () => {
    expect(outcomeOf(at(0, V4))).toBe('event');
    expect(outcomeOf(at(0, V4), { ...RULES, horizonMs: Number.MAX_SAFE_INTEGER })).toBe('event');
  });

  it('is judged after the stated key', () => {
    const forged = { ...at(YEARS_BEFORE_MS), headers: [{ [EVENT_KEY_HEADER]: V7 }] };
    expect(outcomeOf(forged)).toBe('key_mismatch');
  });
});

describe('a misrouted record', () => {
  const misrouted = (changes: Partial<SourceRecord>, rules = RULES): number[] => {
    const batch = classified(recordOf(impression(), changes), rules);
    return [batch.verdict[0] as number, batch.misrouted];
  };

  it('is none where key and partition are right, however the id is spelt in the event', () => {
    expect(misrouted({})).toEqual([VERDICT.event, 0]);
    expect(misrouted({ key: V7 })).toEqual([VERDICT.event, 0]);
    const upper = classified(recordOf(impression(V7.toUpperCase())));
    expect([upper.verdict[0], upper.misrouted]).toEqual([VERDICT.event, 0]);
  });

  it.each([
    ['no key', { key: null }],
    ['an undefined key', { key: undefined }],
    ['an empty key', { key: Buffer.alloc(0) }],
    ['a key in upper case', { key: Buffer.from(V7.toUpperCase()) }],
    ['a key in upper case as a string', { key: V7.toUpperCase() }],
    ['the key of another impression', { key: Buffer.from(V4) }],
    ['a longer key', { key: Buffer.from(`${V7}0`) }],
    ['another partition', { partition: 99 }],
  ])('with %s is counted and still an event', (_what, changes) => {
    expect(misrouted(changes)).toEqual([VERDICT.event, 1]);
  });

  it('is not told by its partition where the number of partitions is unknown', () => {
    expect(misrouted({ partition: 99 }, { ...RULES, partitions: null })).toEqual([
      VERDICT.event,
      0,
    ]);
  });

  it('is not counted where the record is rejected', () => {
    const batch = classified(recordOf(impression(), { key: null, timestamp: YEARS_BEFORE_MS }));
    expect([batch.verdict[0], batch.misrouted]).toEqual([VERDICT.rejected, 0]);
  });
});

describe('classify', () => {
  it('decides undecided rows from the given one on, and touches no other', () => {
    const batch = new EventBatch(5);
    for (let row = 0; row < 5; row += 1) batch.append(recordOf(impression(), { key: null }), 1);
    batch.verdict[3] = VERDICT.dropped;
    classify(batch, 2, RULES);
    const { undecided, event, dropped } = VERDICT;
    expect([...batch.verdict]).toEqual([undecided, undecided, event, dropped, event]);
    expect(batch.misrouted).toBe(2);
    classify(batch, 0, RULES);
    expect([...batch.verdict]).toEqual([event, event, event, dropped, event]);
    expect(batch.misrouted).toBe(4);
  });

  it('fills columns and key', () => {
    const batch = classified(recordOf(impression()));
    expect(readEvent(batch, 0)).toEqual(impression());
    expect(uuidText(batch.eventKey)).toBe(keyText);
  });

  it('obeys the limits it is given', () => {
    const limits = { maxValueBytes: 10, maxDepth: 5 };
    expect(outcomeOf(recordOf(impression()), { ...RULES, limits })).toBe('oversize');
    expect(outcomeOf(recordOf(impression(), { value: null }))).toBe('empty');
  });

  it('ends any record in exactly one verdict, the same every time', () => {
    const bytes = fc.uint8Array({ maxLength: 60 }).map((value) => Buffer.from(value));
    const event = fc
      .constantFrom(V7, V4, V7.toUpperCase())
      .map((id) => encodeEvent(impression(id)));
    const text = fc.oneof(bytes, fc.string(), fc.constantFrom(V7, keyText));
    const headerName = fc.oneof(
      fc.constantFrom(EVENT_KEY_HEADER, '__proto__', 'constructor'),
      fc.string(),
    );
    const header = fc
      .tuple(headerName, fc.option(text, { nil: undefined }))
      .map(([name, value]) => ({ [name]: value }));
    const record: fc.Arbitrary<SourceRecord> = fc.record({
      topic: fc.constant('made-up'),
      partition: fc.nat(20),
      offset: fc.nat(),
      key: fc.option(text),
      value: fc.oneof(fc.option(bytes), event),
      headers: fc.option(fc.array(header, { maxLength: 3 }), { nil: undefined }),
      timestamp: fc.option(fc.integer({ min: -1, max: 2 ** 41 }), { nil: undefined }),
    });
    const horizon = fc.option(fc.nat());
    const outcome = (batch: EventBatch): unknown[] => [
      batch.verdict[0],
      batch.rejections.get(0),
      batch.misrouted,
      batch.eventKey.toString('hex'),
    ];
    fc.assert(
      fc.property(record, horizon, (made, horizonMs) => {
        const rules = { ...RULES, horizonMs };
        const batch = classified(made, rules);
        const isEvent = batch.verdict[0] === VERDICT.event;
        expect(batch.verdict[0]).toBe(isEvent ? VERDICT.event : VERDICT.rejected);
        expect(batch.rejections.size).toBe(isEvent ? 0 : 1);
        expect(outcome(classified(made, rules))).toEqual(outcome(batch));
      }),
      { numRuns: 2000 },
    );
  });
});
