/**
 * The idempotency key of an event: who it is, never when it happened or how it travelled.
 *
 * Exact byte layout, so that any language can derive it (frozen by test/vectors.json):
 *
 *   input  = part(tag) part(event_type) part(impression_id) [part(identity)]
 *   part   = length of the bytes as unsigned 16 bit big endian, then the bytes
 *   tag    = ASCII "adt1", the format's name; a change of the layout changes it
 *   event_type    = ASCII "impression", "click" or "conversion"
 *   impression_id = the 16 raw bytes of the UUID
 *   identity      = click: the 16 raw bytes of click_id;
 *                   conversion: the UTF-8 bytes of conversion_id as sent, not normalised;
 *                   impression: the part is absent
 *   key    = the first 16 bytes of SHA-256(input) with the UUID version set to 8
 *            (high four bits of byte 6 = 1000) and the variant to RFC 9562 (high two bits of byte 8 = 10)
 *
 * Lengths make the input injective: no two identities share it, whatever bytes they hold.
 */
import { Buffer } from 'node:buffer';
import { hash } from 'node:crypto';
import { EVENT_TYPES, VERDICT, type EventBatch, type EventType } from '@adtally/event-schema';

const FORMAT_TAG = 'adt1';

export const EVENT_KEY_BYTES = 16;
const UUID_BYTES = 16;
/** 64 code points of at most 4 bytes are 256; the rest is head room for an identity given by hand. */
const IDENTITY_BYTES_MAX = 1024;

// One scratch input per event type whose head (tag, type, length of the id) never changes.
const INPUTS = EVENT_TYPES.map((type) => {
  const head = Buffer.concat([part(Buffer.from(FORMAT_TAG)), part(Buffer.from(type))]);
  const bytes = Buffer.alloc(head.length + 2 + UUID_BYTES + 2 + IDENTITY_BYTES_MAX);
  head.copy(bytes);
  bytes.writeUInt16BE(UUID_BYTES, head.length);
  return {
    bytes,
    impressionAt: head.length + 2,
    identityAt: head.length + 2 + UUID_BYTES,
    // A view costs more than the copy, so views are made once per length.
    views: [] as (Buffer | undefined)[],
  };
});

const CLICK = EVENT_TYPES.indexOf('click');
const CONVERSION = EVENT_TYPES.indexOf('conversion');
const NO_BYTES = new Uint8Array(0);

/**
 * The idempotency key of one event.
 *
 * @param impressionId 16 bytes
 * @param identity click: the 16 bytes of click_id; conversion: the UTF-8 bytes of conversion_id;
 *   impression: `null`
 * @returns 16 bytes, a UUIDv8
 * @throws RangeError where a length is impossible (a programmer's error: decoding has checked it)
 */
export function eventKeyOf(
  eventType: EventType,
  impressionId: Uint8Array,
  identity: Uint8Array | null,
): Buffer {
  const isImpression = eventType === 'impression';
  const length = identity === null ? 0 : identity.length;
  const lengthIsRight =
    (isImpression && identity === null) ||
    (eventType === 'click' && length === UUID_BYTES) ||
    (eventType === 'conversion' && length > 0 && length <= IDENTITY_BYTES_MAX);
  if (impressionId.length !== UUID_BYTES || !lengthIsRight)
    throw new RangeError(`impossible identity of ${eventType}`);
  const key = Buffer.alloc(EVENT_KEY_BYTES);
  const type = EVENT_TYPES.indexOf(eventType);
  writeKey(key, 0, type, impressionId, 0, identity ?? NO_BYTES, 0, isImpression ? -1 : length);
  return key;
}

/**
 * Makes the function that fills `batch.eventKey` of one row whose verdict is `event`; made once per batch
 * because finding the columns costs more than deriving a key.
 */
export function keyDeriver(batch: EventBatch): (row: number) => void {
  const impressionIds = batch.column('impression_id').bytes;
  const clickIds = batch.column('click_id').bytes;
  const conversionIds = batch.column('conversion_id');
  const { eventKey, eventType } = batch;
  return (row) => {
    const type = eventType[row] as number;
    const at = row * UUID_BYTES;
    if (type === CLICK) {
      writeKey(eventKey, at, type, impressionIds, at, clickIds, at, UUID_BYTES);
    } else if (type === CONVERSION) {
      const start = conversionIds.start[row] as number;
      const length = conversionIds.length[row] as number;
      // The arena is replaced when it grows: never keep it across rows.
      writeKey(eventKey, at, type, impressionIds, at, batch.arena, start, length);
    } else {
      writeKey(eventKey, at, type, impressionIds, at, NO_BYTES, 0, -1);
    }
  };
}

/** Fills `batch.eventKey` for every row from `fromRow` on whose verdict is `event`. */
export function deriveKeys(batch: EventBatch, fromRow = 0): void {
  const derive = keyDeriver(batch);
  for (let row = fromRow; row < batch.count; row += 1)
    if (batch.verdict[row] === VERDICT.event) derive(row);
}

/** `identityLength` -1 means that the part is absent. Bytes move by plain loops: short copies. */
function writeKey(
  target: Uint8Array,
  targetAt: number,
  type: number,
  impressionIds: Uint8Array,
  impressionAt: number,
  identities: Uint8Array,
  identityFrom: number,
  identityLength: number,
): void {
  const input = INPUTS[type];
  if (input === undefined) throw new RangeError(`no event type ${type}`);
  const { bytes } = input;
  for (let index = 0; index < UUID_BYTES; index += 1)
    bytes[input.impressionAt + index] = impressionIds[impressionAt + index] as number;
  let end = input.identityAt;
  if (identityLength >= 0) {
    bytes[end] = identityLength >> 8;
    bytes[end + 1] = identityLength & 0xff;
    end += 2;
    for (let index = 0; index < identityLength; index += 1)
      bytes[end + index] = identities[identityFrom + index] as number;
    end += identityLength;
  }
  const view = (input.views[end] ??= bytes.subarray(0, end));
  // One-shot and as a latin1 string: a Buffer result costs three times as much, hex a tenth more.
  const digest = hash('sha256', view, 'binary');
  for (let index = 0; index < EVENT_KEY_BYTES; index += 1)
    target[targetAt + index] = digest.charCodeAt(index);
  target[targetAt + 6] = ((target[targetAt + 6] as number) & 0x0f) | 0x80;
  target[targetAt + 8] = ((target[targetAt + 8] as number) & 0x3f) | 0x80;
}

function part(bytes: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
