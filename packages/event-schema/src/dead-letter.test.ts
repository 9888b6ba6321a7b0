import { describe, expect, it } from 'vitest';
import { DEAD_LETTER_HEADERS, splitHeaders, withAddedHeaders } from './dead-letter.ts';

describe('headers of a dead letter', () => {
  it("come off again, and the record's own stay as they were, whatever their names", () => {
    const own = [
      { trace: Buffer.from([0xff, 0xfe]) },
      { [DEAD_LETTER_HEADERS.topic]: Buffer.from('somebody else') },
      { 'adtally.headers.added': Buffer.from('9') },
      { trace: Buffer.from('again') },
    ];
    const added = { [DEAD_LETTER_HEADERS.topic]: 'ad-events', [DEAD_LETTER_HEADERS.field]: '' };
    const split = splitHeaders(withAddedHeaders(own, added));
    expect(split?.own).toEqual(own);
    expect(Object.fromEntries(split?.added ?? [])).toEqual(added);
  });

  it.each([
    ['none at all', undefined],
    ['an empty list', []],
    ['no count at the end', [{ a: Buffer.from('1') }]],
    ['a count beyond the list', [{ a: Buffer.from('1') }, { 'adtally.headers.added': '7' }]],
    ['a count that is no number', [{ a: '1' }, { 'adtally.headers.added': '1e0x' }]],
    ['a negative count', [{ a: '1' }, { 'adtally.headers.added': '-1' }]],
    ['a count of nothing', [{ a: '1' }, { 'adtally.headers.added': '0' }]],
  ])('are refused where they are not ours: %s', (_what, headers) => {
    expect(splitHeaders(headers)).toBeNull();
  });
});
