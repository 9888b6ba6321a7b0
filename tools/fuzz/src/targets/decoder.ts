import {
  DECODER,
  type DecodeLimits,
  DEFAULT_DECODE_LIMITS,
  encodeEvent,
  REJECTION_CODES,
  VERDICT,
} from '@adtally/event-schema';
import { batchOf, recordOf, rowSnapshot } from '@adtally/event-schema/testing';
import { type FuzzTarget, must } from '../target.ts';

const RULES: readonly DecodeLimits[] = [
  DEFAULT_DECODE_LIMITS,
  { ...DEFAULT_DECODE_LIMITS, valueFormat: 'auto' },
  { ...DEFAULT_DECODE_LIMITS, amountsAsStrings: true },
  { ...DEFAULT_DECODE_LIMITS, valueFormat: 'auto', amountsAsStrings: true },
];
const COMMON = {
  impression_id: '0192f0c1-2a3b-7c4d-8e5f-60718293a4b5',
  occurred_at: '2026-03-01T12:00:00.123456Z',
  campaign_id: 'c-7',
  creative_id: 'cr-19',
  placement_id: 'home-top',
  currency: 'EUR',
} as const;
/** Used again and again, as services do: what one input leaves behind in it is the next one's trouble. */
const REUSED = batchOf(null);
const CLICK_ID = '0192f0c1-9d10-7b2c-9f00-112233445566';

export default {
  name: 'decoder',
  what: 'values of records: what the fast decoder makes of one, the reference makes of it too',
  share: 60,
  seeds: () => {
    const events = [
      encodeEvent({ ...COMMON, event_type: 'impression', price_micros: 1_500_000n }),
      encodeEvent({ ...COMMON, event_type: 'click', click_id: CLICK_ID, price_micros: 250_000n }),
      encodeEvent({
        ...COMMON,
        event_type: 'conversion',
        click_id: CLICK_ID,
        conversion_id: 'Bestellung-№ 7',
        value_micros: 9_223_372_036_854_775_807n,
        source: 'web',
        sent_at: '2026-03-01T12:00:01+01:00',
      }),
    ];
    return [
      ...events,
      ...events.map((event) => Buffer.concat([Buffer.from([0, 0, 0, 0, 7]), event])),
      ...events.map((event) => Buffer.from(`{"schema":null,"payload":${event.toString()}}`)),
      ...events.map((event) => Buffer.from(`{"specversion":"1.0","data":${event.toString()}}`)),
    ];
  },
  dictionary: [
    '"schema_version":1,', '"event_type":"click",', '"source":null,', '"note":{"a":[1,2]},', '"price_micros":',
    '"price_micros":"5",', '"value_micros":0,', '"\\u0069mpression_id":', '"__proto__":1,', '"currency":"USD",',
    '\\u0000', '\\ud800', '\\ud83d\\ude00', '\\"', '"', ':', ',', '{', '}', '[[[[', ']', 'null', 'true', '-0', '1.0', '1e3',
    '007', '9007199254740993', '9223372036854775808', '2024-02-29T23:59:60Z', '+23:59', '.1234567', '\u00a0', '\ufeff', ' ',
    '\r\n', 'é', '😀',
  ], // prettier-ignore
  run: (input) => {
    const limits = RULES[input.length % RULES.length] as DecodeLimits;
    const [one, other] = [REUSED, batchOf(input)];
    one.clear();
    one.append(recordOf(input), 1);
    DECODER.decode(one, 0, limits);
    DECODER.reference(other, 0, limits);
    const [decoded, expected] = [rowSnapshot(one), rowSnapshot(other)].map((row) =>
      JSON.stringify(row),
    );
    if (decoded !== expected) {
      const alone = batchOf(input);
      DECODER.decode(alone, 0, limits);
      const isAlone = JSON.stringify(rowSnapshot(alone)) !== expected;
      const cause = isAlone ? '' : ' (by what an input before it left behind)';
      must(false, `decoded as ${decoded}, by the reference as ${expected}${cause}`);
    }
    const rejection = one.rejections.get(0);
    if (one.verdict[0] === VERDICT.event) {
      must(rejection === undefined, 'an event that is rejected');
      return 'event';
    }
    must(one.verdict[0] === VERDICT.rejected && rejection !== undefined, 'no verdict');
    must(REJECTION_CODES.includes(rejection.code), `unknown code ${rejection.code}`);
    must(/^[ -~]+$/.test(rejection.message), `unprintable: ${rejection.message}`);
    must(one.arenaUsed === 0 && one.unknownFields === 0, 'a rejected row left something behind');
    return rejection.code;
  },
} satisfies FuzzTarget;
