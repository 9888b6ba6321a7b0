import { Buffer } from 'node:buffer';
import { uuidBytes, uuidText } from '@adtally/event-schema';

/** How a message key spells an impression id; only `canonical` is hashed to the partition all others take. */
export const KEY_FORMS = [
  'canonical',
  'other_id',
  'upper_case',
  'quoted',
  'braced',
  'no_dashes',
  'raw_bytes',
  'framed',
  'none',
  'empty',
  'other',
] as const;

export type KeyForm = (typeof KEY_FORMS)[number];

/** What is said of keys of each form, and what their producer has to change. */
export const KEY_FORM_WORDS: Readonly<Record<KeyForm, string>> = {
  canonical: 'are the impression_id in lower case',
  other_id: 'are a UUID that is not the impression_id: clicks and conversions are keyed by it, too',
  upper_case: 'are not in lower case: lower-case the id before it becomes the key',
  quoted: 'are in quotes, as JSON serializers write keys: use a String serializer for the key',
  braced: 'have braces or urn:uuid: around the id: use the plain 8-4-4-4-12 form',
  no_dashes: 'have no dashes: use the 8-4-4-4-12 form',
  raw_bytes: 'are the 16 bytes of the id: write its text instead',
  framed: "have a schema registry's frame before the id: use a String serializer for the key",
  none: 'are missing: the impression_id is to be the key',
  empty: 'are empty: the impression_id is to be the key',
  other: 'are no UUID: the impression_id is to be the key',
};

export interface ReadKey {
  readonly form: KeyForm;
  /** The 16 bytes of the UUID the key spells, in whichever form; null where it spells none. */
  readonly uuid: Buffer | null;
}

const UUID_BYTES = 16;
/** A zero byte and the schema's id. */
const FRAME_BYTES = 5;
const QUOTED = /^"(.*)"$|^'(.*)'$/s;
const BRACED = /^\{(.*)\}$|^urn:uuid:(.*)$/is;
const NO_DASHES = /^[0-9a-f]{32}$/i;

/**
 * Reads the key of a record.
 *
 * @param impressionId the 16 bytes of the event's id; null where its value cannot be read
 */
export function readKey(
  key: Buffer | string | null | undefined,
  impressionId: Buffer | null,
): ReadKey {
  if (key === null || key === undefined) return { form: 'none', uuid: null };
  const bytes = typeof key === 'string' ? Buffer.from(key) : key;
  if (bytes.length === 0) return { form: 'empty', uuid: null };
  const text = bytes.toString('latin1');
  const plain = uuidBytes(text);
  if (plain !== null) {
    if (impressionId !== null && !plain.equals(impressionId))
      return { form: 'other_id', uuid: plain };
    return { form: uuidText(plain) === text ? 'canonical' : 'upper_case', uuid: plain };
  }
  if (bytes.length === UUID_BYTES && (impressionId === null || bytes.equals(impressionId)))
    return { form: 'raw_bytes', uuid: bytes };
  const quoted = QUOTED.exec(text);
  if (quoted !== null) return { form: 'quoted', uuid: anyUuid(quoted[1] ?? quoted[2] ?? '') };
  const braced = BRACED.exec(text);
  if (braced !== null) return { form: 'braced', uuid: anyUuid(braced[1] ?? braced[2] ?? '') };
  if (NO_DASHES.test(text)) return { form: 'no_dashes', uuid: anyUuid(text) };
  if (bytes[0] === 0 && bytes.length > FRAME_BYTES) {
    const [framed] = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/i.exec(text) ?? [];
    if (framed !== undefined) return { form: 'framed', uuid: uuidBytes(framed) };
  }
  return { form: 'other', uuid: null };
}

function anyUuid(text: string): Buffer | null {
  return uuidBytes(text) ?? (NO_DASHES.test(text) ? Buffer.from(text, 'hex') : null);
}
