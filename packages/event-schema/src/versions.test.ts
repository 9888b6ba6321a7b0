import { describe, expect, it } from 'vitest';
import { batchOf } from '../test/rows.ts';
import { VERDICT } from './batch.ts';
import { createContract } from './contract.ts';
import { createDecoder } from './decode/decode.ts';
import { DEFAULT_DECODE_LIMITS } from './decode/limits.ts';
import { FIELDS } from './fields.ts';
import { readEvent } from './read-event.ts';
import { newestVersion, SCHEMA_VERSIONS, type SchemaVersion } from './versions.ts';

/** A made-up first version: the campaign was called differently and prices were whole cents. */
const VERSION_ZERO: SchemaVersion = {
  version: 0,
  formerNames: ['campaign', 'price_cents'],
  upcast: ({ campaign, price_cents: cents, ...rest }) => {
    if (typeof cents !== 'bigint' || campaign === undefined) throw new Error('not of version 0');
    return { ...rest, campaign_id: campaign, price_micros: cents * 10_000n };
  },
};

const contract = createContract(FIELDS, [VERSION_ZERO, ...SCHEMA_VERSIONS]);
const decoder = createDecoder(contract);

const versionZero = {
  schema_version: 0,
  event_type: 'impression',
  impression_id: '018bcfe5-687b-7abc-8def-0123456789ab',
  occurred_at: '2023-11-14T22:13:20Z',
  currency: 'EUR',
  campaign: 'cmp-1',
  creative_id: 'crt-2',
  placement_id: 'plc-3',
  price_cents: 12,
};

function decode(event: object): ReturnType<typeof batchOf> {
  const batch = batchOf(JSON.stringify(event), contract);
  decoder.decode(batch, 0);
  return batch;
}

describe('schema versions', () => {
  it('are upcast to the newest before anything is validated', () => {
    const batch = decode({ ...versionZero, note: 'x' });
    expect(batch.rejections.get(0)).toBeUndefined();
    expect(readEvent(batch, 0)).toEqual({
      event_type: 'impression',
      impression_id: versionZero.impression_id,
      occurred_at: '2023-11-14T22:13:20.000000Z',
      currency: 'EUR',
      campaign_id: 'cmp-1',
      creative_id: 'crt-2',
      placement_id: 'plc-3',
      price_micros: 120_000n,
    });
    expect(batch.unknownFields).toBe(1);
  });

  it('are judged after upcasting: what the old version lacks is missing', () => {
    const { creative_id: _left, ...without } = versionZero;
    expect(decode(without).rejections.get(0)).toMatchObject({
      code: 'missing_field',
      field: 'creative_id',
    });
  });

  it('that do not fit their upcast are a schema mismatch, never a crash', () => {
    expect(decode({ ...versionZero, price_cents: 'x' }).rejections.get(0)?.code).toBe(
      'schema_mismatch',
    );
  });

  it('keep the newest one readable beside the old ones, whose names are then unknown fields', () => {
    const { campaign, price_cents: _cents, ...rest } = versionZero;
    const batch = decode({
      ...rest,
      schema_version: 1,
      campaign_id: campaign,
      price_micros: 5,
      campaign: 'ignored',
    });
    expect(batch.verdict[0]).toBe(VERDICT.event);
    expect(batch.unknownFields).toBe(1);
  });

  it('nobody knows are read as the newest only where an operator vouches for them', () => {
    const { campaign, price_cents: _cents, ...rest } = versionZero;
    const text = JSON.stringify({
      ...rest,
      schema_version: 7,
      campaign_id: campaign,
      price_micros: 5,
      shade: 'only version 7 has it',
    });
    const decodeWith = (readAsNewest: ReadonlySet<number>) => {
      const batch = batchOf(text, contract);
      decoder.decode(batch, 0, { ...DEFAULT_DECODE_LIMITS, readAsNewest });
      return batch;
    };
    expect(decodeWith(new Set([6, 8])).rejections.get(0)?.code).toBe('schema_mismatch');
    const batch = decodeWith(new Set([6, 7]));
    expect(batch.verdict[0]).toBe(VERDICT.event);
    expect(readEvent(batch, 0)).toMatchObject({ campaign_id: campaign, price_micros: 5n });
    expect(batch.unknownFields).toBe(1);
  });

  it('that are known are upcast, whatever an operator vouches for', () => {
    const batch = batchOf(JSON.stringify(versionZero), contract);
    const limits = {
      ...DEFAULT_DECODE_LIMITS,
      readAsNewest: new Set([versionZero.schema_version]),
    };
    expect(decoder.scan(batch, 0, limits)).toBe(false);
    decoder.decode(batch, 0, limits);
    expect(batch.verdict[0]).toBe(VERDICT.event);
  });

  it('must end with a newest one', () => {
    expect(() => newestVersion([VERSION_ZERO])).toThrow('newest');
    expect(() => newestVersion([])).toThrow('newest');
    expect(newestVersion(SCHEMA_VERSIONS)).toBe(1);
  });
});
