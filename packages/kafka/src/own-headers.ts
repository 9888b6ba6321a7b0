import type { RecordHeader, SourceRecord } from '@adtally/event-schema';

/**
 * The client makes one object a header by assignment, so that a header named `__proto__` becomes the
 * object's prototype and its name and value are gone from sight. Gives such objects the property they were
 * meant to have: a record's hash and its dead letter must hold every header.
 */
export function withOwnHeaders(records: readonly SourceRecord[]): void {
  for (const { headers } of records) {
    if (headers === undefined) continue;
    for (const header of headers) if (Object.keys(header).length === 0) own(header);
  }
}

function own(header: RecordHeader): void {
  const value: unknown = Object.getPrototypeOf(header);
  Object.setPrototypeOf(header, Object.prototype);
  const isLost = Buffer.isBuffer(value) || typeof value === 'string';
  Object.defineProperty(header, '__proto__', {
    value: isLost ? value : undefined,
    enumerable: true,
    configurable: true,
    writable: true,
  });
}
