import type { IncomingMessage, ServerResponse } from 'node:http';
import { reveal } from '@adtally/config';
import type { AdminHost, AdminOptions, FastifyInstance } from './admin-app.ts';
import { BoundPort } from './bound-port.ts';
import type { Service } from './service.ts';

/** By then a process that starts as usual has made its first commit. */
const LOAD_AFTER_MS = 1_000;

/**
 * The admin port of every service: /livez, /readyz, /metrics, /drain and what the app mounts.
 *
 * Bound by `start`, so that a port in use is told before the group hears of this process. What answers is a quarter of what a
 * service loads (docs/adr/0055): it is loaded when somebody asks, or a second later, since a build may be replaced on disk.
 */
export class AdminServer implements Service {
  readonly name = 'admin';
  readonly failed: Promise<Error>;
  readonly #options: AdminOptions;
  readonly #host: AdminHost;
  readonly #failure = Promise.withResolvers<Error>();
  #binding: Promise<BoundPort> | undefined;
  #bound: BoundPort | undefined;
  #app: Promise<FastifyInstance> | undefined;
  #loading: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(options: AdminOptions, host: AdminHost) {
    this.#options = options;
    this.#host = host;
    this.failed = this.#failure.promise;
  }

  /** The port in use; 0 before start. */
  get port(): number {
    return this.#bound?.port ?? 0;
  }

  /** @throws where the port cannot be bound */
  async start(): Promise<void> {
    if (this.#isStopped) return;
    const { host, port } = this.#options;
    this.#binding = BoundPort.bind(host, port, (request, response) => {
      void this.#answer(request, response);
    });
    this.#bound = await this.#binding;
    if (this.#isStopped) return;
    this.#loading = setTimeout(() => {
      this.#loaded().catch(() => undefined);
    }, LOAD_AFTER_MS);
    this.#host.logger.info({ host, port: this.port }, 'admin listening');
    const isLoopback = host === 'localhost' || host === '::1' || host.startsWith('127.');
    if (!isLoopback && !reveal(this.#options.token ?? '')) {
      this.#host.logger.warn(
        { host },
        'anyone who reaches the admin port may drain: set ADMIN_TOKEN',
      );
    }
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#loading);
    const bound = await this.#binding?.catch(() => undefined);
    const app = await this.#app?.catch(() => undefined);
    await Promise.all([bound?.close(), app?.close()]);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const app = await this.#loaded().catch(() => null);
    if (app !== null) return app.routing(request, response);
    // `failed` tells why.
    response.writeHead(500, { connection: 'close' }).end();
  }

  #loaded(): Promise<FastifyInstance> {
    this.#app ??= this.#load();
    return this.#app;
  }

  async #load(): Promise<FastifyInstance> {
    try {
      const { buildAdminApp } = await import('./admin-app.ts');
      const bound = await this.#binding;
      const app = buildAdminApp(this.#options, this.#host, bound?.server);
      await app.ready();
      return app;
    } catch (error) {
      this.#failure.resolve(error instanceof Error ? error : new Error(String(error)));
      throw error;
    }
  }
}
