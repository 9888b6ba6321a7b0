import * as fc from 'fast-check';
import type { AdEvent, EventTime } from '../src/event.ts';
import { EVENT_TYPES, type EventType } from '../src/fields.ts';
import { TIME_MAX_MICROS, TIME_MIN_MICROS, timeText } from '../src/time.ts';
import { uuidText } from '../src/uuid.ts';

/** Any UUID, every third one in upper case. */
export const anyUuid: fc.Arbitrary<string> = fc
  .tuple(fc.uint8Array({ minLength: 16, maxLength: 16 }), fc.nat(2))
  .map(([bytes, style]) => (style === 0 ? uuidText(bytes).toUpperCase() : uuidText(bytes)));

const plainIdentifier = fc.string({
  unit: fc.constantFrom(...'abcXYZ019-_.:/ '),
  minLength: 1,
  maxLength: 64,
});
const wildIdentifier = fc
  .string({ unit: 'binary', minLength: 1, maxLength: 64 })
  .filter((text) => !text.includes('\0') && text.isWellFormed());

/** Any valid identifier, mostly plain ASCII as real ones are. */
export const anyIdentifier: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: plainIdentifier },
  { weight: 1, arbitrary: wildIdentifier },
);

/** Every moment PostgreSQL and RFC 3339 share: years 0001..9999, to the microsecond. */
export const anyMicros2000: fc.Arbitrary<bigint> = fc.oneof(
  fc.bigInt({ min: 700_000_000_000_000n, max: 900_000_000_000_000n }),
  fc.bigInt({ min: -63_082_281_600_000_000n, max: 252_455_615_999_999_999n }),
);

/** The spellings of one moment that the contract allows. */
const anyTime: fc.Arbitrary<EventTime> = fc
  .tuple(anyMicros2000, fc.nat(6), fc.integer({ min: -1439, max: 1439 }))
  .map(([micros, style, minutes]) => {
    const text = timeText(micros);
    if (style === 0) return text.replace('Z', '+00:00');
    if (style === 1) return text.replace(/\.?0+Z$/, 'Z');
    if (style === 2) return text.replace('Z', '987Z');
    if (style === 3) return withOffset(micros, minutes);
    return style === 4 ? text.toLowerCase() : text;
  });

/** As producers write times in these decades. */
const ordinaryTime: fc.Arbitrary<EventTime> = fc
  .tuple(
    fc.bigInt({ min: 0n, max: 3_000_000_000_000_000n }),
    fc.nat(4),
    fc.constantFrom(-480, -210, 60, 330, 840),
  )
  .map(([micros, style, minutes]) => {
    const text = timeText(micros);
    if (style === 0) return text.replace('Z', '+00:00');
    if (style === 1) return text.replace('Z', '999Z');
    if (style === 2) return withOffset(micros, minutes);
    return style === 3 ? text.replace(/\.?0+Z$/, 'Z') : text;
  });

/** The moment as a clock shows it that is so many minutes ahead of UTC; in UTC where the year would not be one. */
function withOffset(micros: bigint, minutes: number): string {
  const local = micros + BigInt(minutes) * 60_000_000n;
  if (local < TIME_MIN_MICROS || local > TIME_MAX_MICROS) return timeText(micros);
  const two = (value: number): string => String(value).padStart(2, '0');
  const ahead = Math.abs(minutes);
  const offset = `${minutes < 0 ? '-' : '+'}${two(Math.trunc(ahead / 60))}:${two(ahead % 60)}`;
  return timeText(local).replace('Z', offset);
}

/** Any valid amount, the edges of double precision and of int64 included. */
export const anyAmount: fc.Arbitrary<bigint> = fc.oneof(
  fc.bigInt({ min: 0n, max: 10n ** 9n }),
  fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }),
  fc.constantFrom(0n, 2n ** 32n, 2n ** 53n, 2n ** 53n + 1n, 2n ** 63n - 1n, 10n ** 15n),
);

interface Parts {
  readonly identifier: fc.Arbitrary<string>;
  readonly time: fc.Arbitrary<EventTime>;
  readonly amount: fc.Arbitrary<bigint>;
}

function eventsOf({ identifier, time, amount }: Parts): fc.Arbitrary<AdEvent> {
  const required = {
    impression_id: anyUuid,
    occurred_at: time,
    currency: fc.constantFrom('EUR', 'USD', 'JPY'),
    campaign_id: identifier,
    creative_id: identifier,
    placement_id: identifier,
  };
  const optional = { source: identifier, sent_at: time };
  const own: Readonly<Record<EventType, { readonly required: Model; readonly optional?: Model }>> =
    {
      impression: { required: { price_micros: amount } },
      click: { required: { click_id: anyUuid, price_micros: amount } },
      conversion: {
        required: { conversion_id: identifier, value_micros: amount },
        optional: { click_id: anyUuid },
      },
    };
  const ofType = (type: EventType): fc.Arbitrary<object> =>
    withOptional(
      { ...required, event_type: fc.constant(type), ...own[type].required },
      { ...optional, ...own[type].optional },
    );
  return fc.oneof(...EVENT_TYPES.map(ofType)) as fc.Arbitrary<unknown> as fc.Arbitrary<AdEvent>;
}

type Model = Readonly<Record<string, fc.Arbitrary<unknown>>>;

function withOptional(required: Model, optional: Model): fc.Arbitrary<object> {
  const requiredKeys = Object.keys(required);
  return fc.record({ ...required, ...optional }, { noNullPrototype: true, requiredKeys });
}

/** Valid events as real producers send them: all of them are the scanner's. */
export const ordinaryEvent: fc.Arbitrary<AdEvent> = eventsOf({
  identifier: plainIdentifier,
  time: ordinaryTime,
  amount: fc.bigInt({ min: 0n, max: 10n ** 15n - 1n }),
});

/** Any valid event of the contract, ordinary or not. */
export const anyEvent: fc.Arbitrary<AdEvent> = fc.oneof(
  ordinaryEvent,
  eventsOf({ identifier: anyIdentifier, time: anyTime, amount: anyAmount }),
);
