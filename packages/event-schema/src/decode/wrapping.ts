/**
 * What an event's JSON may be wrapped in by the tools that carry it: Confluent's framing around the bytes, and the
 * envelopes of Kafka Connect and of CloudEvents around the object. Each is known by its shape alone: the contract is this
 * package's own, and what a schema registry holds only explains a rejection (docs/adr/0035).
 */
import { Buffer, isUtf8 } from 'node:buffer';
import type { ValueFormat } from '../topic-rules.ts';
import type { DecodeLimits, FrameSchema } from './limits.ts';
import { tokenPass, type Member } from './token-pass.ts';

/** Confluent's framing: a zero byte, and four bytes with the number of a schema in the registry. */
export const FRAME_BYTES = 5;

/** True where these bytes begin with a frame. No JSON text begins so. */
export function isFramed(bytes: Uint8Array, start: number, length: number): boolean {
  return length > FRAME_BYTES && bytes[start] === 0;
}

/** The number of the schema that a frame names. */
export function frameSchemaId(bytes: Uint8Array, start: number): number {
  const { buffer, byteOffset } = bytes;
  return new DataView(buffer, byteOffset + start, FRAME_BYTES).getInt32(1);
}

/** An envelope around an event. */
export interface Wrapping {
  /** Its name, for people. */
  readonly what: string;
  /** The member that holds the event. */
  readonly name: string;
  /** The event itself; undefined where the envelope holds none. */
  readonly inner: Member | undefined;
  readonly isRepeated: boolean;
}

const CONNECT_NAMES: readonly string[] = ['payload', 'schema'];

/**
 * The envelope these members of an object make up, or null. An object that names a `schema_version` is an event,
 * whatever else it has.
 */
export function wrappingOf(members: readonly Member[]): Wrapping | null {
  const names = members.map(({ name }) => name);
  if (names.includes('schema_version')) return null;
  if (names.length === 2 && names.toSorted().every((name, index) => name === CONNECT_NAMES[index]))
    return wrapping('a Kafka Connect envelope', 'payload', members);
  return names.includes('specversion') ? wrapping('a CloudEvents envelope', 'data', members) : null;
}

function wrapping(what: string, name: string, members: readonly Member[]): Wrapping {
  const [inner, second] = members.filter((member) => member.name === name);
  return { what, name, inner, isRepeated: second !== undefined };
}

/** Where the object within an envelope stands in a body, in bytes; null where that is for the reference to say. */
export function innerPlace(
  body: Buffer,
  maxDepth: number,
): { readonly start: number; readonly end: number } | null {
  if (!isUtf8(body)) return null;
  const text = body.toString('utf8');
  const pass = tokenPass(text);
  if (pass.malformed !== null || pass.depth > maxDepth) return null;
  if (pass.hasNul || pass.hasLoneSurrogate || pass.hasNotANumber) return null;
  const found = wrappingOf(pass.members);
  if (found?.inner === undefined || found.isRepeated) return null;
  const { start, end } = found.inner;
  // In ASCII a character is a byte.
  if (text.length === body.length) return { start, end };
  const bytesBefore = Buffer.byteLength(text.slice(0, start));
  return { start: bytesBefore, end: bytesBefore + Buffer.byteLength(text.slice(start, end)) };
}

const READ_WHERE = 'which is read where the topic says so (ops topics set --value-format auto)';
const SPACES: readonly (number | undefined)[] = [0x20, 0x09, 0x0a, 0x0d];
const OPEN = 0x7b;

/** Completes a rejection of bytes that are no JSON text by what they look like; empty where they look like nothing. */
export function frameHint(
  value: Uint8Array,
  { valueFormat = 'plain', schemaOf }: Pick<DecodeLimits, 'valueFormat' | 'schemaOf'> = {},
): string {
  if (!isFramed(value, 0, value.length)) return '';
  const id = frameSchemaId(value, 0);
  const named = registryWords(id, schemaOf?.(id));
  let at = FRAME_BYTES;
  while (SPACES.includes(value[at])) at += 1;
  if (value[at] !== OPEN) {
    if (named !== '') return `; it is framed as Confluent's serializers do${named}`;
    return "; it looks like Confluent's framing of Avro or Protobuf, which is not read";
  }
  return valueFormat === 'auto'
    ? ''
    : `; it looks like Confluent's framing of JSON${named}, ${READ_WHERE}`;
}

/** What the registry says of a frame's number; empty where it has not told. */
function registryWords(id: number, schema: FrameSchema | null | undefined): string {
  if (schema === undefined) return '';
  if (schema === null) return ` with schema ${id}, which the registry does not have`;
  const whose = schema.subject === null ? '' : ` of subject "${schema.subject}"`;
  const named = ` with schema ${id}, ${schema.type}${whose} by the registry`;
  return schema.type === 'JSON' ? named : `${named}: only JSON is read`;
}

/** The same of an object that is no event. */
export function wrappingHint(members: readonly Member[], format: ValueFormat = 'plain'): string {
  const found = format === 'auto' ? null : wrappingOf(members);
  return found === null ? '' : `; it looks like ${found.what}, ${READ_WHERE}`;
}
