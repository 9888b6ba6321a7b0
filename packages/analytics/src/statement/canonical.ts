import { createHash } from 'node:crypto';

/**
 * The canonical text of a statement's part: RFC 8785, of which a statement needs little. It holds texts, lists,
 * objects and null, no numbers (integers are texts) and no booleans; names of members are ASCII. So members in the order
 * of their names, no blanks, and texts as JSON.stringify escapes them.
 */
export function canonicalText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalText).join(',')}]`;
  if (value === null || typeof value === 'string') return JSON.stringify(value);
  if (typeof value !== 'object') throw new TypeError(`a statement holds no ${typeof value}`);
  const members = Object.entries(value as Readonly<Record<string, unknown>>)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, member]) => `${JSON.stringify(name)}:${canonicalText(member)}`);
  return `{${members.join(',')}}`;
}

/** SHA-256 over the canonical text of everything but the digest itself; 64 hex digits. */
export function digestOf({
  digest: _digest,
  ...content
}: Readonly<Record<string, unknown>>): string {
  return createHash('sha256').update(canonicalText(content)).digest('hex');
}
