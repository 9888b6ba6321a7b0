import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

const REQUEST_TIMEOUT_MS = 30_000;
/** Fastify's own: more than most clients between two requests. */
const KEEP_ALIVE_MS = 72_000;
/** For what was asked before the port was closed; who has not asked by then is not waited for. */
const CLOSE_WAIT_MS = 5_000;

/** A port that HTTP requests are taken at. */
export class BoundPort {
  readonly #answer: RequestListener;
  readonly #servers: Server[] = [];
  #isClosing = false;

  private constructor(answer: RequestListener) {
    this.#answer = answer;
  }

  /**
   * Binds `port` of `host`, 0 being any free one; of `localhost` both its addresses, where there are two.
   *
   * @throws as `net.Server.listen` does, e.g. EADDRINUSE
   */
  static async bind(host: string, port: number, answer: RequestListener): Promise<BoundPort> {
    const made = new BoundPort(answer);
    await made.#listen(host, port);
    if (host === 'localhost') await made.#listenBeside(host);
    return made;
  }

  get port(): number {
    const address = this.#servers[0]?.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  /** The first, for whoever configures it further; bound and closed it is here. */
  get server(): Server {
    return this.#servers[0] as Server;
  }

  /** Takes no more, and answers what was asked before, within a few seconds. */
  async close(): Promise<void> {
    this.#isClosing = true;
    const closing = Promise.all(
      this.#servers.map((server) => new Promise<unknown>((resolve) => server.close(resolve))),
    );
    // A connection by which nothing was asked yet is none that is idle, and would be kept for as long as its client likes.
    const late = setTimeout(() => {
      for (const server of this.#servers) server.closeAllConnections();
    }, CLOSE_WAIT_MS);
    await closing;
    clearTimeout(late);
  }

  async #listen(host: string, port: number): Promise<void> {
    const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS }, (request, response) => {
      // Kept alive after the last answer it would hold up the close.
      response.once('close', () => {
        if (this.#isClosing) server.closeIdleConnections();
      });
      this.#answer(request, response);
    });
    server.keepAliveTimeout = KEEP_ALIVE_MS;
    await once(server.listen({ host, port }), 'listening');
    this.#servers.push(server);
  }

  async #listenBeside(host: string): Promise<void> {
    const { address, port } = this.server.address() as AddressInfo;
    const addresses = await lookup(host, { all: true }).catch(() => []);
    for (const other of addresses) {
      // Many machines name an IPv6 address of which they have no interface.
      if (other.address !== address) await this.#listen(other.address, port).catch(() => undefined);
    }
  }
}
