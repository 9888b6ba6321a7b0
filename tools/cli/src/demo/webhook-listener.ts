import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A page as the alerter's webhook sends it (Alertmanager's shape), as far as the demo looks at it. */
export interface Page {
  readonly status: string;
  readonly alertname: string;
  readonly summary: string;
}

/** Takes webhooks on a loopback port and keeps them. */
export class WebhookListener {
  readonly pages: Page[] = [];
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk) => (body += String(chunk)));
      request.on('end', () => {
        this.pages.push(pageOf(body));
        response.end('ok');
      });
    });
  }

  static async listen(): Promise<WebhookListener> {
    const listener = new WebhookListener();
    listener.#server.listen(0, '127.0.0.1');
    await once(listener.#server, 'listening');
    return listener;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

function pageOf(body: string): Page {
  const { status, commonLabels, commonAnnotations } = JSON.parse(body) as {
    status: string;
    commonLabels?: Record<string, string>;
    commonAnnotations?: Record<string, string>;
  };
  return {
    status,
    alertname: commonLabels?.['alertname'] ?? '',
    summary: commonAnnotations?.['summary'] ?? '',
  };
}
