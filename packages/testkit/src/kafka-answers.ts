import type { TcpProxy } from './tcp-proxy.ts';

/** Answers of a broker that a proxy keeps from its clients; the connections stay open. */
export interface LostAnswers {
  /** Those that were kept, without their length. */
  readonly lost: readonly Buffer[];
  /** Forwards everything again. */
  end(): void;
}

const LENGTH_BYTES = 4;
const CORRELATION_ID_AT = 4;

/**
 * Loses, in front of a broker without TLS, those answers to requests of one kind that `isLost` picks; it sees each without
 * its length. All others pass whole and in order.
 */
export function losesAnswers(
  proxy: TcpProxy,
  apiKey: number,
  isLost: (answer: Buffer) => boolean,
): LostAnswers {
  const sides = new WeakMap<object, Dialogue>();
  const lost: Buffer[] = [];
  const dialogueOf = (connection: object): Dialogue => {
    const known = sides.get(connection) ?? {
      asked: new Set(),
      client: new Frames(),
      server: new Frames(),
    };
    sides.set(connection, known);
    return known;
  };
  proxy.onClientData((chunk, connection) => {
    const { asked, client } = dialogueOf(connection);
    for (const frame of client.take(chunk)) {
      if (frame.readInt16BE(0) === apiKey) asked.add(frame.readInt32BE(CORRELATION_ID_AT));
    }
    return 'forward';
  });
  proxy.onServerData((chunk, connection) => {
    const { asked, server } = dialogueOf(connection);
    const kept = server.take(chunk).filter((frame) => {
      if (!asked.delete(frame.readInt32BE(0)) || !isLost(frame)) return true;
      lost.push(frame);
      return false;
    });
    return kept.length === 0 ? 'drop' : Buffer.concat(kept.flatMap(withLength));
  });
  const end = (): void => {
    proxy.onClientData(undefined);
    proxy.onServerData(undefined);
  };
  return { lost, end };
}

/** What one connection has under way. */
interface Dialogue {
  /** Correlation ids of requests that were not answered yet. */
  readonly asked: Set<number>;
  readonly client: Frames;
  readonly server: Frames;
}

/** Puts the messages of one direction together. */
class Frames {
  #rest: Buffer = Buffer.alloc(0);

  /** The messages that are whole with this chunk, without their lengths. */
  take(chunk: Buffer): Buffer[] {
    let bytes = Buffer.concat([this.#rest, chunk]);
    const frames: Buffer[] = [];
    while (bytes.length >= LENGTH_BYTES) {
      const end = LENGTH_BYTES + bytes.readInt32BE(0);
      if (bytes.length < end) break;
      frames.push(bytes.subarray(LENGTH_BYTES, end));
      bytes = bytes.subarray(end);
    }
    this.#rest = bytes;
    return frames;
  }
}

function withLength(frame: Buffer): Buffer[] {
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeInt32BE(frame.length);
  return [length, frame];
}
