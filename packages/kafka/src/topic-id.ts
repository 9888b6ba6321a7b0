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
