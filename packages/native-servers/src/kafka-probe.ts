import { exchange } from './exchange.ts';

const PROBE_TIMEOUT_MS = 2_000;
const METADATA_API_KEY = 3;
const METADATA_API_VERSION = 1;
const CORRELATION_ID = 1;

/**
 * A Metadata request (version 1) for no topics, with a null client id. Its answer lists only
 * brokers that have joined and are not fenced, so it says more than an open port.
 */
export function metadataRequest(): Buffer {
  const body = Buffer.alloc(14);
  body.writeInt16BE(METADATA_API_KEY, 0);
  body.writeInt16BE(METADATA_API_VERSION, 2);
  body.writeInt32BE(CORRELATION_ID, 4);
  body.writeInt16BE(-1, 8); // client id: null
  body.writeInt32BE(0, 10); // topics: none
  const request = Buffer.alloc(4 + body.length);
  request.writeInt32BE(body.length, 0);
  body.copy(request, 4);
  return request;
}

/** Number of brokers in the answer's beginning; 0 for anything that is no such answer. */
export function brokersInAnswer(answer: Buffer): number {
  if (answer.length < 12 || answer.readInt32BE(4) !== CORRELATION_ID) return 0;
  return Math.max(0, answer.readInt32BE(8));
}

/** How many brokers the one on that loopback port knows to be ready for clients; 0 where it does not answer. */
export async function brokersKnownAt(port: number): Promise<number> {
  const answer = await exchange('127.0.0.1', port, metadataRequest(), PROBE_TIMEOUT_MS);
  return answer === undefined ? 0 : brokersInAnswer(answer);
}
