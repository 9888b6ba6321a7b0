import { expect, test } from 'vitest';
import { causeLine, causeWords, sourcesWords } from './cause-words.ts';
import { SourceTally } from './source-tally.ts';
import { SCHEMA_VERSION } from './versions.ts';

test.each([
  [['missing_field', 'currency', '1'], 'missing field currency'],
  [['repeated_field', 'source', '1'], 'repeated field source'],
  [['wrong_type', 'price_micros', '1'], 'wrong type, field price_micros'],
  [['key_mismatch', 'adtally-event-key', '1'], 'key mismatch, field adtally-event-key'],
  [
    ['schema_mismatch', 'schema_version', '4'],
    `schema version 4 (this build reads ${SCHEMA_VERSION})`,
  ],
  [['schema_mismatch', 'schema_version', '1'], 'does not fit schema version 1'],
  // Of a letter that an older build wrote nobody knows the version.
  [['schema_mismatch', 'schema_version', ''], 'schema mismatch, field schema_version'],
  [['schema_mismatch', 'event_type', '1'], 'schema mismatch, field event_type'],
  [['malformed_json', '', ''], 'malformed json'],
  [['', '', ''], 'unknown cause'],
] as const)('a cause %j is told as %s', ([code, field, version], words) => {
  expect(causeWords({ code, field, version })).toBe(words);
});

test('who sent most comes first, and the others are counted', () => {
  const sources = new SourceTally();
  expect(sourcesWords(sources.counts())).toBe('source unknown');
  sources.add('edge-1');
  expect(causeLine('malformed json', 1, sources.counts())).toBe(
    'malformed json, 1 event, source edge-1',
  );
  sources.add('edge-3', 2_398);
  sources.add('');
  expect(causeLine('schema version 4', 2_400, sources.counts())).toBe(
    'schema version 4, 2,400 events, source edge-3 and 2 more',
  );
});

test('sources that name themselves anew with each record take no room, and no count is lost', () => {
  const sources = new SourceTally();
  for (let n = 0; n < 1_000; n += 1) sources.add(`s${n}`);
  const merged = new SourceTally(sources.counts());
  merged.merge({ bySource: { s1: 5 }, others: 2 });
  const { bySource, others } = merged.counts();
  expect(Object.keys(bySource)).toHaveLength(20);
  const counted = Object.values(bySource).reduce((sum, one) => sum + one, 0);
  expect(counted + others).toBe(1_007);
  expect(sourcesWords(merged.counts())).toBe('source s1 and at least 19 more');
});
