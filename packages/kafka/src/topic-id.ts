/**
 * The text Kafka's own tools print for a topic id: the 16 bytes of the UUID in URL-safe base64 without
 * padding (22 characters).
 */
export function topicIdText(id: {
  mostSignificantBits: bigint;
  leastSignificantBits: bigint;
}): string {
  const bytes = Buffer.alloc(16);
  bytes.writeBigUInt64BE(BigInt.asUintN(64, id.mostSignificantBits), 0);
  bytes.writeBigUInt64BE(BigInt.asUintN(64, id.leastSignificantBits), 8);
  return bytes.toString('base64url');
}

/** The same as a UUID, as requests carry it. */
export function uuidOf(topicId: string): string {
  const hex = Buffer.from(topicId, 'base64url').toString('hex');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** What a broker says that knows no topic ids. */
export const NO_TOPIC_ID = '00000000-0000-0000-0000-000000000000';
