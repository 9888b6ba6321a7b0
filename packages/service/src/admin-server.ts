import { reveal } from '@adtally/config';
import type { AdminHost, AdminOptions, FastifyInstance } from './admin-app.ts';
import type { Service } from './service.ts';

/** The admin port of every service: /livez, /readyz, /metrics, /drain and what the app mounts. */
export class AdminServer implements Service {
  readonly name = 'admin';
  readonly #options: AdminOptions;
  readonly #host: AdminHost;
  #app: FastifyInstance | undefined;
  #isStopped = false;

  constructor(options: AdminOptions, host: AdminHost) {
    this.#options = options;
    this.#host = host;
  }

  /** The port in use; 0 before start. */
  get port(): number {
    const address = this.#app?.server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  async start(): Promise<void> {
    // A quarter of what a service loads: by then what it opens is on its way (docs/adr/0052).
    const { buildAdminApp } = await import('./admin-app.ts');
    if (this.#isStopped) return;
    const app = buildAdminApp(this.#options, this.#host);
    this.#app = app;
    const { host, port } = this.#options;
    const token = reveal(this.#options.token ?? '');
    await app.listen({ host, port });
    this.#host.logger.info({ host, port: this.port }, 'admin listening');
    const isLoopback = host === 'localhost' || host === '::1' || host.startsWith('127.');
    if (!isLoopback && !token) {
      this.#host.logger.warn(
        { host },
        'anyone who reaches the admin port may drain: set ADMIN_TOKEN',
      );
    }
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#app?.close();
  }
}
