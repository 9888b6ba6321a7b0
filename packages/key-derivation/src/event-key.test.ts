import { Buffer } from 'node:buffer';
import {
  decodeInto,
  encodeEvent,
  EventBatch,
  uuidBytes,
  uuidText,
  VERDICT,
  type AdEvent,
  type EventType,
} from '@adtally/event-schema';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { deriveKeys, eventKeyOf, EVENT_KEY_BYTES } from './event-key.ts';
import { OWN_ID } from './own-id.ts';

interface Identity {
  readonly type: EventType;
  readonly impressionId: Uint8Array;
  readonly identity: Uint8Array | null;
}

// Few different bytes, so that identities that nearly collide are common.
const nearUuid = fc
  .array(fc.constantFrom(0, 1), { minLength: 2, maxLength: 2 })
  .map((bytes) => Uint8Array.from({ length: 16 }, (_, index) => bytes[index] ?? 0));
const nearIdentity: fc.Arbitrary<Identity> = fc.oneof(
  fc.record({
    type: fc.constant('impression' as const),
    impressionId: nearUuid,
    identity: fc.constant(null),
  }),
  fc.record({ type: fc.constant('click' as const), impressionId: nearUuid, identity: nearUuid }),
  fc.record({
    type: fc.constant('conversion' as const),
    impressionId: nearUuid,
    identity: fc.oneof(
      nearUuid,
      fc
        .array(fc.constantFrom(0, 1), { minLength: 1, maxLength: 3 })
        .map((bytes) => Uint8Array.from(bytes)),
    ),
  }),
);

const sixteen = fc.uint8Array({ minLength: 16, maxLength: 16 });

const keyOf = ({ type, impressionId, identity }: Identity): string =>
  uuidText(eventKeyOf(type, impressionId, identity));
const textOf = ({ type, impressionId, identity }: Identity): string =>
  JSON.stringify([type, [...impressionId], identity === null ? null : [...identity]]);

describe('the idempotency key', () => {
  it('is the same for two identities only where they are the same', () => {
    fc.assert(
      fc.property(nearIdentity, nearIdentity, (one, other) => {
        expect(keyOf(one) === keyOf(other)).toBe(textOf(one) === textOf(other));
      }),
      { numRuns: 3000 },
    );
  });

  it('is a UUIDv8 of the RFC variant', () => {
    fc.assert(
      fc.property(sixteen, (impressionId) => {
        const key = eventKeyOf('impression', impressionId, null);
        expect(key).toHaveLength(EVENT_KEY_BYTES);
        expect(uuidText(key)).toMatch(/^.{14}8.{4}[89ab]/);
      }),
    );
  });

  it('does not depend on which key was derived before', () => {
    const id = Buffer.alloc(16, 7);
    const long = Buffer.from('a long conversion id');
    const before = uuidText(eventKeyOf('conversion', id, Buffer.from('short')));
    eventKeyOf('conversion', id, long);
    expect(uuidText(eventKeyOf('conversion', id, Buffer.from('short')))).toBe(before);
  });

  it('is refused for an identity of an impossible length', () => {
    const id = Buffer.alloc(16);
    expect(() => eventKeyOf('click', id, Buffer.alloc(15))).toThrow(RangeError);
    expect(() => eventKeyOf('click', id, null)).toThrow(RangeError);
    expect(() => eventKeyOf('conversion', id, Buffer.alloc(0))).toThrow(RangeError);
    expect(() => eventKeyOf('impression', id, id)).toThrow(RangeError);
    expect(() => eventKeyOf('impression', Buffer.alloc(15), null)).toThrow(RangeError);
  });
});

describe('keys of a batch', () => {
  const common = {
    occurred_at: '2023-11-14T22:13:20Z',
    currency: 'EUR',
    campaign_id: 'c',
    creative_id: 'c',
    placement_id: 'p',
  };
  const uuid = sixteen.map((bytes) => uuidText(bytes));
  const anyEvent: fc.Arbitrary<AdEvent> = fc.oneof(
    uuid.map((id): AdEvent => ({
      ...common,
      event_type: 'impression',
      impression_id: id,
      price_micros: 1n,
    })),
    fc.tuple(uuid, uuid).map(([id, click]): AdEvent => ({
      ...common,
      event_type: 'click',
      impression_id: id,
      click_id: click,
      price_micros: 1n,
    })),
    fc
      .tuple(uuid, fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }))
      .filter(([, id]) => id.length > 0)
      .map(([id, conversion]): AdEvent => ({
        ...common,
        event_type: 'conversion',
        impression_id: id,
        conversion_id: [...conversion].slice(0, 64).join(''),
        value_micros: 1n,
      })),
  );

  const keyOfEvent = (event: AdEvent): string => {
    const id = uuidBytes(event.impression_id) as Buffer;
    const name = OWN_ID[event.event_type];
    if (name === null) return uuidText(eventKeyOf(event.event_type, id, null));
    const text = (event as unknown as Readonly<Record<string, string>>)[name] ?? '';
    return uuidText(eventKeyOf(event.event_type, id, uuidBytes(text) ?? Buffer.from(text)));
  };

  it('are those of its events, row by row, and rows that are no events are left alone', () => {
    fc.assert(
      fc.property(fc.array(anyEvent, { maxLength: 8 }), (events) => {
        const batch = new EventBatch(events.length * 2);
        for (const [offset, event] of events.entries()) {
          for (const value of [Buffer.from('{}'), encodeEvent(event)]) {
            const row = batch.append({ topic: 't', partition: 0, offset, key: null, value }, 1);
            decodeInto(batch, row);
          }
        }
        deriveKeys(batch);
        for (const [index, event] of events.entries()) {
          expect(batch.verdict[index * 2 + 1]).toBe(VERDICT.event);
          expect(uuidText(batch.eventKey, index * 32 + 16)).toBe(keyOfEvent(event));
          expect(uuidText(batch.eventKey, index * 32)).toBe('00000000-0000-0000-0000-000000000000');
        }
      }),
      { numRuns: 200 },
    );
  });
});
