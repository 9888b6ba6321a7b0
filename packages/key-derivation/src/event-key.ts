/**
 * The idempotency key of an event: who it is, never when it happened or how it travelled.
 *
 * Exact byte layout, so that any language can derive it (frozen by test/vectors.json):
 *
 *   input  = part(tag) part(event_type) part(impression_id) [part(identity)]
 *   part   = length of the bytes as unsigned 16 bit big endian, then the bytes
 *   tag    = ASCII "adt1", the format's name; a change of the layout changes it
 *   event_type    = the type's name in ASCII
 *   impression_id = the 16 raw bytes of the UUID
 *   identity      = the type's own id (own-id.ts), the part being absent where it has none:
 *                   of click the 16 raw bytes of click_id,
 *                   of conversion the UTF-8 bytes of conversion_id as sent, not normalised
 *   key    = the first 16 bytes of SHA-256(input) with the UUID version set to 8
 *            (high four bits of byte 6 = 1000) and the variant to RFC 9562 (high two bits of byte 8 = 10)
 *
 * Lengths make the input injective: no two identities share it, whatever bytes they hold.
 */
import { Buffer } from 'node:buffer';
import { hash } from 'node:crypto';
import { EVENT_TYPES, VERDICT, type EventBatch, type EventType } from '@adtally/event-schema';
import { OWN_ID, OWN_ID_KINDS } from './own-id.ts';

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

const NO_BYTES = new Uint8Array(0);
/** The length of an identity whose part is absent. */
const ABSENT = -1;

/**
 * The idempotency key of one event.
 *
 * @param impressionId 16 bytes
 * @param identity the type's own id: the 16 bytes of a uuid, the UTF-8 bytes of a text; `null` where the
 *   type has none
 * @returns 16 bytes, a UUIDv8
 * @throws RangeError where a length is impossible (a programmer's error: decoding has checked it)
 */
export function eventKeyOf(
  eventType: EventType,
  impressionId: Uint8Array,
  identity: Uint8Array | null,
): Buffer {
  const type = EVENT_TYPES.indexOf(eventType);
  const length = identity === null ? ABSENT : identity.length;
  if (impressionId.length !== UUID_BYTES || !isPossible(OWN_ID_KINDS[type], length))
    throw new RangeError(`impossible identity of ${eventType}`);
  const key = Buffer.alloc(EVENT_KEY_BYTES);
  writeKey(key, 0, type, impressionId, 0, identity ?? NO_BYTES, 0, length);
  return key;
}

function isPossible(kind: 'uuid' | 'text' | null | undefined, length: number): boolean {
  if (kind === undefined) return false;
  if (kind === null) return length === ABSENT;
  return kind === 'uuid' ? length === UUID_BYTES : length > 0 && length <= IDENTITY_BYTES_MAX;
}

/**
 * Makes the function that fills `batch.eventKey` of one row whose verdict is `event`; made once per batch
 * because finding the columns costs more than deriving a key.
 */
export function keyDeriver(batch: EventBatch): (row: number) => void {
  const impressionIds = batch.column('impression_id').bytes;
  const ownIds = EVENT_TYPES.map((type) => {
    const name = OWN_ID[type];
    return name === null ? null : batch.column(name);
  });
  const { eventKey, eventType } = batch;
  return (row) => {
    const type = eventType[row] as number;
    const at = row * UUID_BYTES;
    const ownId = ownIds[type];
    if (ownId === undefined) throw new RangeError(`no event type ${type}`);
    if (ownId === null) {
      writeKey(eventKey, at, type, impressionIds, at, NO_BYTES, 0, ABSENT);
    } else if (OWN_ID_KINDS[type] === 'uuid') {
      writeKey(eventKey, at, type, impressionIds, at, ownId.bytes, at, UUID_BYTES);
    } else {
      const start = ownId.start[row] as number;
      const length = ownId.length[row] as number;
      // The arena is replaced when it grows: never keep it across rows.
      writeKey(eventKey, at, type, impressionIds, at, batch.arena, start, length);
    }
  };
}

/** Fills `batch.eventKey` for every row from `fromRow` on whose verdict is `event`. */
export function deriveKeys(batch: EventBatch, fromRow = 0): void {
  const derive = keyDeriver(batch);
  for (let row = fromRow; row < batch.count; row += 1)
    if (batch.verdict[row] === VERDICT.event) derive(row);
}

/** Bytes move by plain loops: short copies. */
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
  if (identityLength !== ABSENT) {
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
