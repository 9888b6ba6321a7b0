import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

const EXECUTE = 'E'.charCodeAt(0);
const QUERY = 'Q'.charCodeAt(0);
const LENGTH_BYTES = 4;
const DEFAULT_PORT = 5432;

/** Counts what one client asks: its stream is messages of a type, a length and a body; the first has no type. */
class MessageCounter {
  statements = 0;
  #isFirst = true;
  /** Bytes of the message under way that are still to come. */
  #rest = 0;
  #head = Buffer.alloc(0);

  see(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      const skipped = Math.min(this.#rest, chunk.length - at);
      this.#rest -= skipped;
      at += skipped;
      if (at === chunk.length) return;
      const headBytes = (this.#isFirst ? 0 : 1) + LENGTH_BYTES;
      const piece = chunk.subarray(at, at + headBytes - this.#head.length);
      this.#head = Buffer.concat([this.#head, piece]);
      at += piece.length;
      if (this.#head.length < headBytes) return;
      const type = this.#head[0];
      if (!this.#isFirst && (type === EXECUTE || type === QUERY)) this.statements += 1;
      this.#rest = this.#head.readUInt32BE(headBytes - LENGTH_BYTES) - LENGTH_BYTES;
      this.#isFirst = false;
      this.#head = Buffer.alloc(0);
    }
  }
}

/** Stands before a PostgreSQL server and counts the statements that pass: simple queries and executions. */
export class StatementCounter {
  readonly #server: Server;
  readonly #counters: MessageCounter[] = [];
  readonly #sockets = new Set<Socket>();

  private constructor(target: { host: string; port: number }) {
    this.#server = createServer((client) => {
      const counter = new MessageCounter();
      this.#counters.push(counter);
      const server = connect({ ...target, noDelay: true });
      client.on('data', (chunk) => counter.see(chunk as Buffer));
      for (const socket of [client, server]) {
        this.#sockets.add(socket);
        socket.on('error', () => socket.destroy());
      }
      client.pipe(server).pipe(client);
    });
  }

  static async before(databaseUrl: string): Promise<StatementCounter> {
    const { hostname, port } = new URL(databaseUrl);
    const counter = new StatementCounter({ host: hostname, port: Number(port || DEFAULT_PORT) });
    counter.#server.listen(0, '127.0.0.1');
    await once(counter.#server, 'listening');
    return counter;
  }

  get statements(): number {
    return this.#counters.reduce((sum, { statements }) => sum + statements, 0);
  }

  /** The address of a database, through this counter. */
  addressOf(databaseUrl: string): string {
    const url = new URL(databaseUrl);
    url.hostname = '127.0.0.1';
    url.port = String((this.#server.address() as AddressInfo).port);
    return url.href;
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }
}
