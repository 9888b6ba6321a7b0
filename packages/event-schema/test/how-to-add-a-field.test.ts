import { Buffer } from 'node:buffer';
import { describe, expect, it } from 'vitest';
import { EventBatch } from '../src/batch.ts';
import { createContract } from '../src/contract.ts';
import { createDecoder } from '../src/decode/decode.ts';
import { DEFAULT_DECODE_LIMITS } from '../src/decode/limits.ts';
import { encodeEvent, type AdEvent } from '../src/event.ts';
import {
  FIELDS,
  IDENTIFIER_CODE_POINTS_MAX,
  payloadColumns,
  type FieldDeclaration,
} from '../src/fields.ts';
import { readEvent } from '../src/read-event.ts';
import { publishedSchemaText } from '../src/schema.ts';
import { recordOf, rowSnapshot } from './rows.ts';

// docs/how-to-add-a-field.md, step 1: the declaration is all there is.
const AUCTION_ID: FieldDeclaration = {
  name: 'auction_id',
  kind: 'text',
  maxCodePoints: IDENTIFIER_CODE_POINTS_MAX,
  requiredIn: [],
  optionalIn: ['impression', 'click'],
  column: 'auction_id',
  description: 'The auction the showing was won in.',
};
const FLOOR_MICROS: FieldDeclaration = {
  name: 'floor_micros',
  kind: 'micros',
  requiredIn: [],
  optionalIn: ['impression'],
  column: 'floor_micros',
  description: 'The lowest price the auction would take.',
};

const fields: readonly FieldDeclaration[] = [...FIELDS, AUCTION_ID, FLOOR_MICROS];
const contract = createContract(fields);
const decoder = createDecoder(contract);

const impression: AdEvent = {
  event_type: 'impression',
  impression_id: '018bcfe5-687b-7abc-8def-0123456789ab',
  occurred_at: '2023-11-14T22:13:20.123456Z',
  price_micros: 1500n,
  currency: 'EUR',
  campaign_id: 'cmp-1',
  creative_id: 'crt-2',
  placement_id: 'plc-3',
};

function withMembers(members: string): Buffer {
  return Buffer.from(encodeEvent(impression).toString().replace(/}$/, `,${members}}`));
}

function batchOf(value: Buffer): EventBatch {
  const batch = new EventBatch(1, contract.columns);
  batch.append(recordOf(value), 1);
  return batch;
}

describe('an optional field that is only declared', () => {
  it('is a nullable column of its kind in the batch', () => {
    expect(payloadColumns(fields).slice(-2)).toEqual([
      { name: 'auction_id', kind: 'text', nullable: true },
      { name: 'floor_micros', kind: 'micros', nullable: true },
    ]);
  });

  it('is read by the scanner and by the reference decoder alike', () => {
    const value = withMembers('"auction_id":"auc-7","floor_micros":900');
    const scanned = batchOf(value);
    const referred = batchOf(value);
    expect(decoder.scan(scanned, 0, DEFAULT_DECODE_LIMITS)).toBe(true);
    decoder.reference(referred, 0, DEFAULT_DECODE_LIMITS);
    expect(rowSnapshot(scanned)).toEqual(rowSnapshot(referred));
    expect(readEvent(scanned, 0, contract)).toEqual({
      ...impression,
      auction_id: 'auc-7',
      floor_micros: 900n,
    });
  });

  it('may be absent, and is an unknown field in the event types it does not belong to', () => {
    const without = batchOf(encodeEvent(impression));
    decoder.decode(without, 0);
    expect(readEvent(without, 0, contract)).toEqual(impression);
    const { price_micros: price, ...rest } = impression;
    const conversion = {
      ...rest,
      event_type: 'conversion',
      conversion_id: 'c',
      value_micros: price,
    };
    const text = encodeEvent(conversion as AdEvent).toString();
    const elsewhere = batchOf(Buffer.from(text.replace(/}$/, ',"auction_id":5}')));
    decoder.decode(elsewhere, 0);
    expect(elsewhere.rejections.get(0)).toBeUndefined();
    expect(elsewhere.unknownFields).toBe(1);
  });

  it('is validated by name', () => {
    const wrong = batchOf(withMembers('"auction_id":5'));
    decoder.decode(wrong, 0);
    expect(wrong.rejections.get(0)).toMatchObject({ code: 'wrong_type', field: 'auction_id' });
    const twice = batchOf(withMembers('"auction_id":"a","auction_id":"a"'));
    decoder.decode(twice, 0);
    expect(twice.rejections.get(0)).toMatchObject({ code: 'repeated_field', field: 'auction_id' });
  });

  it('is in the published schema', () => {
    const schema = JSON.parse(publishedSchemaText(fields)) as {
      oneOf: { properties: Record<string, unknown>; required: string[] }[];
    };
    expect(schema.oneOf.map((type) => 'auction_id' in type.properties)).toEqual([
      true,
      true,
      false,
    ]);
    expect(schema.oneOf[0]?.required).not.toContain('auction_id');
  });
});
