import {
  DEAD_LETTER_HEADERS,
  type RecordHeader,
  splitHeaders,
  withAddedHeaders,
} from '@adtally/event-schema';
import { type FuzzTarget, must } from '../target.ts';

const SEPARATOR = 0xff;

export default {
  name: 'letter-headers',
  what: 'headers of dead letters: those that were added come off again, the own ones stay byte for byte',
  share: 15,
  seeds: () => {
    const added = Object.fromEntries(
      Object.values(DEAD_LETTER_HEADERS).map((name, index) => [name, `value ${index}`]),
    );
    const own = [{ trace: Buffer.from('a') }, { trace: Buffer.from('b') }];
    return [own, withAddedHeaders(own, added), withAddedHeaders([], { one: '1' })].map(textOf);
  },
  dictionary: [
    ...Object.values(DEAD_LETTER_HEADERS), 'adtally.headers.added', '__proto__', 'constructor', '1', '2', '64', '65', '-1',
    '1.5', '1e1', 'NaN', '0x1', ' 1', '',
  ], // prettier-ignore
  run: (input) => {
    const headers = headersOf(input);
    const found = splitHeaders(headers);
    must(
      found === null || found.own.length + found.added.size < headers.length,
      'too many headers',
    );
    const again = splitHeaders(withAddedHeaders(headers, { 'adtally.error.code': 'x', field: '' }));
    must(again !== null && again.own.length === headers.length, 'own headers were lost');
    must(again.added.get('adtally.error.code') === 'x', 'an added header was lost');
    again.own.forEach((header, index) => {
      must(header === headers[index], 'an own header is another');
    });
    return found === null ? 'no letter' : 'letter';
  },
} satisfies FuzzTarget;

/** Names and values in turn, as a record's own headers come: each an object of one property of its own. */
function headersOf(input: Buffer): RecordHeader[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at <= input.length;) {
    const next = input.indexOf(SEPARATOR, at);
    const end = next < 0 ? input.length : next;
    pieces.push(input.subarray(at, end));
    at = end + 1;
  }
  const headers: RecordHeader[] = [];
  for (let at = 0; at + 1 < pieces.length; at += 2) {
    const header = {};
    const name = (pieces[at] as Buffer).toString('utf8');
    Object.defineProperty(header, name, { value: pieces[at + 1], enumerable: true });
    headers.push(header);
  }
  return headers;
}

function textOf(headers: readonly RecordHeader[]): Buffer {
  const pieces = headers.flatMap((header) =>
    Object.entries(header).flatMap(([name, value]) => [
      Buffer.from(name),
      Buffer.from(value ?? ''),
    ]),
  );
  return Buffer.concat(pieces.flatMap((piece) => [piece, Buffer.from([SEPARATOR])]));
}
