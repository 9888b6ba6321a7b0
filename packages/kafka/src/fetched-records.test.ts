import type { SourceRecord } from '@adtally/event-schema';
import { expect, test } from 'vitest';
import { RecordObjects } from './fetched-records.ts';

test('every byte a record holds is counted: key, value, names and values of headers', () => {
  const place = { topic: 't', partition: 0, offset: 0 };
  const heldBytes = (record: SourceRecord) => new RecordObjects([record]).heldBytes(0);
  expect(heldBytes({ ...place, key: null, value: null })).toBe(0);
  expect(heldBytes({ ...place, key: Buffer.alloc(3), value: Buffer.alloc(50) })).toBe(53);
  const bare = heldBytes({ ...place, key: null, value: null, headers: [{}] });
  const headers = [{ name: Buffer.alloc(7_000) }, { two: 'text', three: undefined }];
  expect(heldBytes({ ...place, key: null, value: null, headers })).toBe(2 * bare + 7_004 + 12);
  // Empty headers cost memory too.
  expect(bare).toBeGreaterThan(100);
});
