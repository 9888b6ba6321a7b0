import { Buffer } from 'node:buffer';
import * as fc from 'fast-check';
import { encodeEvent, type AdEvent } from '../src/event.ts';

/** Values of every JSON type and spelling that a field may be given by mistake. */
const ODD_VALUES = [
  `"${'x'.repeat(64)}"`, `"${'x'.repeat(65)}"`,
  '0', '-0', '-1', '1.0', '1e3', '1E3', '01', '007', '9007199254740993', '999999999999999',
  '9999999999999999', '9223372036854775807', '9223372036854775808', '1e400', 'NaN', 'Infinity',
  '-Infinity', 'null', 'true', 'false', '{}', '[]', '[1,{"a":"b"}]', '""', '"x"', '"12"', '"EUR"', '"eur"',
  '"click"', '"impression"', '"conversion"', '"\\u0000"', '"\\ud800"', '"\\ud83d\\ude00"', '"\\u0041"', '"é"',
  '"2024-02-30T00:00:00Z"', '"2024-02-29T23:59:60Z"', '"2024-02-29T23:59:59.1234567Z"',
  '"2024-02-29t23:59:59.000001z"', '"2024-02-29T23:59:59+00:00"', '"2024-02-29T23:59:59-00:00"',
  '"1715-01-01T00:00:00Z"', '"0000-01-01T00:00:00Z"', '"0001-01-01T00:00:00.000001Z"',
  '"9999-12-31T23:59:59.999999Z"', '"1899-12-31T23:59:59.999999Z"', '"2200-01-01T00:00:00Z"',
  '"018BCFE5-687b-7abc-8def-0123456789AB"', '"018bcfe5687b7abc8def0123456789ab"',
  '"018bcfe5-687b-7abc-8def-0123456789ag"',
]; // prettier-ignore

const ODD_NAMES = [
  'schema_version', 'event_type', 'impression_id', 'occurred_at', 'price_micros', 'value_micros', 'currency',
  'campaign_id', 'click_id', 'conversion_id', 'source', 'sent_at', 'note', '__proto__', 'constructor',
  'impr\\u0065ssion_id', 'Impression_id', 'impression_i', 'impression_id2', '', 'é',
]; // prettier-ignore

const SPACES = [' ', '\n', '\t', '\r', '  ', '\u00a0', '\f'];

type Member = readonly [name: string, value: string];
type Edit = (members: Member[]) => Member[];

/** The members of an encoded event as JSON tokens; identifiers hold no comma that could mislead this. */
function membersOf(event: AdEvent): Member[] {
  const object = JSON.parse(encodeEvent(event).toString(), (_name, value, context?: unknown) => {
    const source = (context as { source?: string } | undefined)?.source;
    return typeof value === 'number' && source !== undefined ? { source } : (value as unknown);
  }) as Record<string, unknown>;
  return Object.entries(object).map(([name, value]) => [
    name,
    typeof value === 'string' ? JSON.stringify(value) : (value as { source: string }).source,
  ]);
}

const anyEdit: fc.Arbitrary<Edit> = fc.oneof(
  fc.tuple(fc.nat(), fc.constantFrom(...ODD_VALUES)).map(
    ([at, value]): Edit =>
      (members) =>
        members.map((member, index) =>
          index === at % members.length ? [member[0], value] : member,
        ),
  ),
  fc.tuple(fc.nat(), fc.constantFrom(...ODD_NAMES), fc.constantFrom(...ODD_VALUES)).map(
    ([at, name, value]): Edit =>
      (members) =>
        members.toSpliced(at % (members.length + 1), 0, [name, value]),
  ),
  fc.nat().map(
    (at): Edit =>
      (members) =>
        members.toSpliced(at % members.length, 1),
  ),
  fc.tuple(fc.nat(), fc.nat()).map(
    ([from, to]): Edit =>
      (members) =>
        members.toSpliced(to % members.length, 0, members[from % members.length] as Member),
  ),
  fc.tuple(fc.nat(), fc.nat()).map(([from, to]): Edit => (members) => {
    const moved = members[from % members.length] as Member;
    return members.toSpliced(from % members.length, 1).toSpliced(to % members.length, 0, moved);
  }),
  fc.constant<Edit>((members) => members),
);

/** Bytes flipped, removed, repeated or put in, anywhere. */
const anyDamage: fc.Arbitrary<(bytes: Buffer) => Buffer> = fc.oneof(
  { weight: 3, arbitrary: fc.constant((bytes: Buffer) => bytes) },
  fc.tuple(fc.nat(), fc.nat(255)).map(([at, byte]) => (bytes: Buffer) => {
    const copy = Buffer.from(bytes);
    copy[at % copy.length] = byte;
    return copy;
  }),
  fc.nat().map((at) => (bytes: Buffer) => bytes.subarray(0, at % (bytes.length + 1))),
  fc.tuple(fc.nat(), fc.nat(255)).map(([at, byte]) => (bytes: Buffer) => {
    const cut = at % (bytes.length + 1);
    return Buffer.concat([bytes.subarray(0, cut), Buffer.of(byte), bytes.subarray(cut)]);
  }),
);

/** The bytes of an event after a few mistakes: fields swapped, doubled, lost, respelt; bytes damaged. */
export function anyMutation(event: AdEvent): fc.Arbitrary<Buffer> {
  const members = membersOf(event);
  return fc
    .tuple(
      fc.array(anyEdit, { maxLength: 3 }),
      fc.array(fc.oneof({ weight: 6, arbitrary: fc.constant('') }, fc.constantFrom(...SPACES)), {
        minLength: 5,
        maxLength: 5,
      }),
      anyDamage,
    )
    .map(([edits, space, damage]) => {
      let edited = members;
      for (const edit of edits) if (edited.length > 0) edited = edit(edited);
      const body = edited
        .map(([name, value]) => `${space[0]}"${name}"${space[1]}:${space[2]}${value}`)
        .join(`${space[3]},`);
      return damage(Buffer.from(`${space[4]}{${body}${space[3]}}${space[4]}`));
    });
}
