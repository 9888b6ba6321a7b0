import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'vitest';

export interface Received {
  readonly path: string;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: unknown;
  readonly atMs: number;
  /** What was answered; null while the connection is held. */
  status: number | null;
}

export type Answer =
  | { readonly status: number; readonly headers?: Record<string, string> }
  /** Reads the request and never answers. */
  | 'hold';

/** A real HTTP endpoint that stands for a sink and remembers what it was told. */
export class Listener {
  readonly received: Received[] = [];
  readonly url: string;
  readonly #server: Server;
  readonly #port: number;
  /** How the next requests are answered. */
  answer: Answer | ((received: Received) => Answer) = { status: 200 };

  private constructor(server: Server) {
    this.#server = server;
    this.#port = (server.address() as AddressInfo).port;
    this.url = `http://127.0.0.1:${this.#port}/hook`;
    server.on('request', (request, response) => void this.#take(request, response));
  }

  /** Is there until the test ends. */
  static async open({ onTestFinished }: Pick<TestContext, 'onTestFinished'>): Promise<Listener> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const listener = new Listener(server);
    onTestFinished(() => listener.down());
    return listener;
  }

  /** Requests that were answered with success, in order. */
  get accepted(): Received[] {
    return this.received.filter(({ status }) => status !== null && status < 300);
  }

  /** Refuses connections from now on. */
  async down(): Promise<void> {
    this.#server.closeAllConnections();
    if (!this.#server.listening) return;
    this.#server.close();
    await once(this.#server, 'close');
  }

  /** Is there again, at the same address. */
  async up(): Promise<void> {
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const received: Received = {
      path: request.url ?? '',
      headers: request.headers,
      body: JSON.parse(Buffer.concat(chunks).toString('utf8')),
      atMs: performance.now(),
      status: null,
    };
    this.received.push(received);
    const answer = typeof this.answer === 'function' ? this.answer(received) : this.answer;
    if (answer === 'hold') return;
    received.status = answer.status;
    response.writeHead(answer.status, answer.headers).end('{}');
  }
}

interface WebhookBody {
  readonly status: string;
  readonly commonLabels: Readonly<Record<string, string>>;
  readonly commonAnnotations: Readonly<Record<string, string>>;
}

/** What the generic webhook was told and took, in short. */
export function told(listener: Listener): string[] {
  return listener.accepted.map(({ body }) => {
    const { status, commonLabels, commonAnnotations } = body as WebhookBody;
    const summary = commonAnnotations['summary'] ?? '';
    const kind = /^(?:More|Still firing)/.exec(summary)?.[0] ?? status;
    return `${commonLabels['alertname']} ${kind}`;
  });
}

export const PAGE = 'DeadEventRateHigh firing';
export const RESOLUTION = 'DeadEventRateHigh resolved';
