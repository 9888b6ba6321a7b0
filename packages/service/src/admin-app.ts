import { createHash, timingSafeEqual } from 'node:crypto';
import type { Server } from 'node:http';
import { redactQuoted, reveal, type Secret } from '@adtally/config';
import { METRICS_CONTENT_TYPE, type Logger, type MetricsExport } from '@adtally/telemetry';
import { fastify, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Heartbeat } from './heartbeat.ts';
import type { LifecycleState } from './lifecycle.ts';
import type { Work } from './work-in-hand.ts';

export type { FastifyInstance };

export interface AdminOptions {
  readonly host: string;
  /** 0 = any free port; the log line `admin listening` names it. */
  readonly port: number;
  /** Not empty: requests that change something need `Authorization: Bearer <token>`, as it is then. */
  readonly token?: string | Secret;
  readonly metrics: MetricsExport;
  readonly heartbeat?: Heartbeat;
  /** Adds the app's own routes, e.g. `/audit`. Non-GET ones are guarded like `/drain`. */
  readonly mount?: (app: FastifyInstance) => void;
}

/** What the admin server asks of the process around it. */
export interface AdminHost {
  readonly logger: Logger;
  state(): LifecycleState;
  notReady(): string[];
  work(): Work;
  drain(reason: string): void;
}

const BODY_BYTES_MAX = 64 * 1024;
const SAFE_METHODS = ['GET', 'HEAD'];

/**
 * The routes, of which tests ask by `inject`.
 *
 * @param server takes the requests for it, and is bound and closed by whoever made it
 */
export function buildAdminApp(
  options: AdminOptions,
  host: AdminHost,
  server?: Server,
): FastifyInstance {
  const app = fastify({
    logger: false,
    bodyLimit: BODY_BYTES_MAX,
    return503OnClosing: false, // probes go on until the last service has stopped
    ...(server && { serverFactory: () => server }),
  });
  app.addHook('onRequest', guard(options.token ?? ''));
  // Whatever a route tells, an error's words too: no secret leaves by this port.
  app.addHook('onSend', async (_request, _reply, payload) =>
    typeof payload === 'string' ? redactQuoted(payload) : payload,
  );
  /** By path: what is asked for is no pattern of a route, and must not be read as one. */
  const methods = new Map<string, string[]>();
  app.addHook('onRoute', ({ url, method }) => {
    methods.set(url, [...(methods.get(url) ?? []), ...[method].flat()]);
  });
  app.setNotFoundHandler((request, reply) => notFound(methods, request, reply));
  app.setErrorHandler<Error & { statusCode?: number }>((error, request, reply) => {
    const status = error.statusCode ?? 500;
    if (status >= 500) host.logger.error({ err: error, path: request.url }, 'admin request failed');
    void reply.code(status).send({ error: status >= 500 ? 'internal error' : error.message });
  });

  app.get('/livez', (_request, reply) => {
    // A drain may wait long for its last batch; the drain deadline watches it, not the probe.
    const isDraining = host.state() === 'draining' || host.state() === 'drained';
    const alive = isDraining || (options.heartbeat?.isFresh ?? true);
    const ageMs = Math.round(options.heartbeat?.ageMs ?? 0);
    return reply.code(alive ? 200 : 503).send({ alive, heartbeat_age_ms: ageMs });
  });
  app.get('/readyz', (_request, reply) => {
    const waiting = host.notReady();
    return reply
      .code(waiting.length === 0 ? 200 : 503)
      .send({ ready: waiting.length === 0, waiting });
  });
  app.get('/metrics', async (_request, reply) =>
    reply.type(METRICS_CONTENT_TYPE).send(await options.metrics.render()),
  );
  app.get('/drain', (_request, reply) =>
    reply.send({ state: drainState(host.state()), ...shown(host.work()) }),
  );
  app.post('/drain', (_request, reply) => {
    const drain = (): void => host.drain('POST /drain');
    // After the answer has gone out; whoever asked may have left before it was loaded what answers.
    if (reply.raw.destroyed) drain();
    else reply.raw.once('close', drain);
    return reply.code(202).send({ state: 'draining' });
  });
  options.mount?.(app);
  return app;
}

function drainState(state: LifecycleState): 'running' | 'draining' | 'drained' {
  return state === 'starting' ? 'running' : state;
}

/** What a process would leave if it ended now; `rows_in_hand` is of those that are counted. */
function shown({ inHand, committed }: Work): object {
  return {
    rows_in_hand: inHand.reduce((sum, { rows }) => sum + (rows ?? 0), 0),
    in_hand: inHand,
    committed: committed.map(({ topic, partition, nextOffset }) => ({
      topic,
      partition,
      next_offset: nextOffset,
    })),
  };
}

/** Requests that change something: not from another site's page, and with the token if there is one. */
function guard(tokenNow: string | Secret) {
  return async (request: FastifyRequest, reply: FastifyReply) => {
    if (SAFE_METHODS.includes(request.method)) return;
    const site = request.headers['sec-fetch-site'];
    if (site !== undefined && site !== 'same-origin' && site !== 'none') {
      return reply.code(403).send({ error: 'cross-site request' });
    }
    const token = reveal(tokenNow);
    if (token === '') return;
    if (!sameText(request.headers.authorization ?? '', `Bearer ${token}`)) {
      return reply.code(401).header('www-authenticate', 'Bearer').send({ error: 'unauthorized' });
    }
  };
}

/** Compares in a time that tells nothing about where they differ. */
function sameText(a: string, b: string): boolean {
  return timingSafeEqual(digest(a), digest(b));
}

function digest(value: string): Buffer {
  return createHash('sha256').update(value).digest();
}

function notFound(
  methods: ReadonlyMap<string, readonly string[]>,
  request: FastifyRequest,
  reply: FastifyReply,
): void {
  const path = request.url.split('?', 1)[0] ?? '';
  const allowed = methods.get(path);
  if (allowed === undefined) return void reply.code(404).send({ error: 'not found' });
  void reply.code(405).header('allow', allowed.join(', ')).send({ error: 'method not allowed' });
}
