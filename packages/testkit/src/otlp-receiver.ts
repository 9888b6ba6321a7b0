import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import protobuf from 'protobufjs';
import { OTLP_PROTO } from './otlp-proto.ts';

type Plain = string | number | boolean;
interface KeyValue {
  readonly key: string;
  readonly value: Readonly<Record<string, Plain>>;
}

export interface ReceivedSpan {
  readonly service: string;
  readonly name: string;
  /** 1 internal, 4 client, 5 consumer. */
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  /** Empty for the first of a trace. */
  readonly parentId: string;
  readonly durationMs: number;
  readonly attributes: Readonly<Record<string, Plain>>;
  /** As `traceId-spanId`. */
  readonly links: readonly string[];
  readonly failed: boolean;
}

/** A collector: takes what is exported to it by OTLP over HTTP in protobuf. */
export interface OtlpReceiver {
  /** For OTEL_EXPORTER_OTLP_ENDPOINT. */
  readonly url: string;
  readonly spans: ReceivedSpan[];
  /** What each series was when it was last told: `name{label=value,...}`, labels sorted. */
  readonly series: Map<string, number>;
  /** Of the latest request. */
  headers: Readonly<Record<string, unknown>>;
  /** What it answers; anything but 200 keeps nothing. */
  status: number;
  requests: number;
  close(): Promise<void>;
}

const ROOT = protobuf.parse(OTLP_PROTO).root;
const TYPES = {
  '/v1/traces': ROOT.lookupType('otlp.TracesRequest'),
  '/v1/metrics': ROOT.lookupType('otlp.MetricsRequest'),
};

/** Listens on a free port. Whoever opens it closes it. */
export async function otlpReceiver(): Promise<OtlpReceiver> {
  const server = createServer((request, response) => void take(receiver, request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const receiver: OtlpReceiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans: [],
    series: new Map(),
    headers: {},
    status: 200,
    requests: 0,
    async close() {
      server.closeAllConnections();
      if (!server.listening) return;
      server.close();
      await once(server, 'close');
    },
  };
  return receiver;
}

async function take(
  receiver: OtlpReceiver,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const type = TYPES[request.url as keyof typeof TYPES] as protobuf.Type | undefined;
  const isOtlp = type !== undefined && request.headers['content-type'] === 'application/x-protobuf';
  const status = isOtlp ? receiver.status : 404;
  if (status === 200 && type !== undefined) {
    const message = type.toObject(type.decode(Buffer.concat(chunks)), { longs: String }) as Message;
    for (const of of message.resourceSpans ?? []) keepSpans(receiver, of);
    for (const { scopeMetrics } of message.resourceMetrics ?? [])
      keepSeries(receiver, scopeMetrics);
  }
  receiver.headers = request.headers;
  receiver.requests += 1;
  response.writeHead(status, { 'content-type': 'application/x-protobuf' }).end();
}

interface Message {
  readonly resourceSpans?: readonly ResourceSpans[];
  readonly resourceMetrics?: readonly { readonly scopeMetrics: readonly ScopeMetrics[] }[];
}
interface ResourceSpans {
  readonly resource: { readonly attributes: readonly KeyValue[] };
  readonly scopeSpans: readonly { readonly spans: readonly WireSpan[] }[];
}
interface WireSpan {
  readonly traceId: Buffer;
  readonly spanId: Buffer;
  readonly parentSpanId?: Buffer;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes?: readonly KeyValue[];
  readonly links?: readonly { readonly traceId: Buffer; readonly spanId: Buffer }[];
  readonly status?: { readonly code?: number };
}
interface ScopeMetrics {
  readonly metrics: readonly {
    readonly name: string;
    readonly gauge?: { readonly dataPoints?: readonly Point[] };
    readonly sum?: { readonly dataPoints?: readonly Point[] };
  }[];
}
interface Point {
  readonly attributes?: readonly KeyValue[];
  readonly asDouble?: number;
  readonly asInt?: string;
}

function keepSpans(receiver: OtlpReceiver, { resource, scopeSpans }: ResourceSpans): void {
  const service = String(plain(resource.attributes)['service.name']);
  for (const span of scopeSpans.flatMap(({ spans }) => spans)) {
    const nanos = BigInt(span.endTimeUnixNano) - BigInt(span.startTimeUnixNano);
    receiver.spans.push({
      service,
      name: span.name,
      kind: span.kind,
      traceId: hex(span.traceId),
      spanId: hex(span.spanId),
      parentId: hex(span.parentSpanId),
      durationMs: Number(nanos) / 1e6,
      attributes: plain(span.attributes),
      links: (span.links ?? []).map((link) => `${hex(link.traceId)}-${hex(link.spanId)}`),
      failed: span.status?.code === 2,
    });
  }
}

function keepSeries(receiver: OtlpReceiver, scopes: readonly ScopeMetrics[]): void {
  for (const { name, gauge, sum } of scopes.flatMap(({ metrics }) => metrics)) {
    for (const point of (gauge ?? sum)?.dataPoints ?? []) {
      const labels = Object.entries(plain(point.attributes)).map(
        ([key, value]) => `${key}=${value}`,
      );
      const series = `${name}{${labels.toSorted().join(',')}}`;
      receiver.series.set(series, point.asDouble ?? Number(point.asInt));
    }
  }
}

function plain(attributes: readonly KeyValue[] = []): Record<string, Plain> {
  return Object.fromEntries(
    attributes.map(({ key, value }) => {
      const [kind, held] = Object.entries(value)[0] as [string, Plain];
      return [key, kind === 'intValue' ? Number(held) : held];
    }),
  );
}

function hex(bytes: Buffer | undefined): string {
  return bytes === undefined ? '' : Buffer.from(bytes).toString('hex');
}
