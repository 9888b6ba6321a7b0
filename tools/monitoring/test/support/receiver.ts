import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What an Alertmanager's webhook tells of one alert. */
export interface ToldAlert {
  readonly status: 'firing' | 'resolved';
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** When it came here, by the monotonic clock. */
  readonly atMs: number;
}

/** Takes the webhooks of an Alertmanager and keeps what they tell. */
export class AlertReceiver {
  readonly told: ToldAlert[] = [];
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk) => (body += String(chunk)));
      request.on('end', () => {
        const { alerts } = JSON.parse(body) as { alerts: Omit<ToldAlert, 'atMs'>[] };
        const atMs = performance.now();
        this.told.push(...alerts.map((alert) => ({ ...alert, atMs })));
        response.end('ok');
      });
    });
  }

  static async listen(): Promise<AlertReceiver> {
    const receiver = new AlertReceiver();
    receiver.#server.listen(0, '127.0.0.1');
    await once(receiver.#server, 'listening');
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  /** What was told of one deployment, or of none that has a name, in order. */
  of(deployment: string | undefined): ToldAlert[] {
    return this.told.filter(({ labels }) => labels['deployment'] === deployment);
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
