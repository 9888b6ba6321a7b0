import { Buffer } from 'node:buffer';
import { expect, test } from 'vitest';
import { claimedFacts, looseFields, sourceName } from './source-name.ts';

const value = (json: unknown): Buffer => Buffer.from(JSON.stringify(json));
const EVENT = { schema_version: 1, source: 'web-eu', impression_id: 'x' };

test('a record says by field, by header or by its envelope who sent it, and the event itself first', () => {
  const headers = [{ other: 'x' }, { producer: Buffer.from('sdk-1') }];
  expect(sourceName({ value: value(EVENT), headers })).toBe('web-eu');
  expect(sourceName({ value: value({ schema_version: 1 }), headers })).toBe('sdk-1');
  expect(sourceName({ value: value(EVENT), headers }, 'producer')).toBe('sdk-1');
  expect(sourceName({ value: value(EVENT), headers }, 'absent')).toBeNull();
  const cloud = { specversion: '1.0', source: '/ads', data: { schema_version: 1 } };
  expect(sourceName({ value: value(cloud) })).toBe('/ads');
  expect(sourceName({ value: value({ ...cloud, data: EVENT }) })).toBe('web-eu');
  expect(sourceName({ value: value({ schema: null, payload: EVENT }) })).toBe('web-eu');
  const framed = Buffer.concat([Buffer.of(0, 0, 0, 0, 1), value(EVENT)]);
  expect(sourceName({ value: framed })).toBe('web-eu');
  expect(looseFields(framed)).toEqual(EVENT);
});

test('of a value that is cut short or no JSON what looks like its source is taken for it', () => {
  expect(sourceName({ value: Buffer.from('{"source": "web", "pri') })).toBe('web');
  expect(looseFields(Buffer.from('source=web'))).toEqual({});
});

test('a record that says nothing, or nothing that can be read, has no source', () => {
  for (const bytes of [null, Buffer.alloc(0), Buffer.from('{'), Buffer.from('7'), value([])])
    expect(sourceName({ value: bytes })).toBeNull();
  expect(sourceName({ value: value({ source: 7 }), headers: [{ source: '' }] })).toBeNull();
});

test('what it says is kept short and fit for a table', () => {
  expect(sourceName({ value: value({ source: 'a\0b\nc' }) })).toBe('a?b?c');
  expect(sourceName({ value: value({ source: `${'x'.repeat(63)}😀` }) })).toBe(
    `${'x'.repeat(63)}\ufffd`,
  );
});

test.each([
  [{ schema_version: 4, source: 'edge-3', campaign_id: 'c-7' }, ['edge-3', 'c-7', '4']],
  [{ schema_version: 1, payload: 1, campaign_id: 7 }, ['', '', '1']],
  [{ schema_version: '4' }, ['', '', '"4"']],
  [{ schema_version: null }, ['', '', 'null']],
  [{ schema_version: [1] }, ['', '', 'object']],
  [{ schema_version: 1e300, source: '\u0000' }, ['?', '', '1e+300']],
  [{ schema_version: 'v'.repeat(99) }, ['', '', `"${'v'.repeat(15)}`]],
  [{ schema: null, payload: { schema_version: 9, campaign_id: 'c' } }, ['', 'c', '9']],
  [[], ['', '', '']],
])('of %j people are told source, campaign and version %j', (json, [source, campaign, version]) => {
  expect(claimedFacts({ value: value(json) })).toEqual({ source, campaign, version });
});

test('of what is no JSON, of nothing and of a value cut short no campaign and no version is guessed', () => {
  const nothing = { source: '', campaign: '', version: '' };
  expect(claimedFacts({ value: null })).toEqual(nothing);
  expect(claimedFacts({ value: Buffer.from('garbage'), headers: [{ client: 'sdk' }] })).toEqual({
    ...nothing,
    source: 'sdk',
  });
  const long = value({ source: 'web', campaign_id: 'c-7', pad: 'x'.repeat(70_000) });
  expect(claimedFacts({ value: long })).toEqual({ ...nothing, source: 'web' });
});
