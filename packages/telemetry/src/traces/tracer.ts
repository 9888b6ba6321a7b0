import {
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
  type Span,
  type SpanContext,
  type Tracer as OtelTracer,
} from '@opentelemetry/api';
import { redact } from '@adtally/config';
import { logError } from '../log-error.ts';

const KINDS = {
  internal: SpanKind.INTERNAL,
  consumer: SpanKind.CONSUMER,
  client: SpanKind.CLIENT,
} as const;

export interface WorkOptions {
  /** `consumer` takes what others sent, `client` waits for an answer. */
  readonly kind: keyof typeof KINDS;
  /** Milliseconds since 1970; now, if not given. */
  readonly startedAtMs?: number;
  readonly attributes?: Attributes;
}

/** Tells work as spans. There is one only where traces are exported. */
export class Tracer {
  readonly #tracer: OtelTracer;

  constructor(tracer: OtelTracer) {
    this.#tracer = tracer;
  }

  /** Begins a trace. */
  begin(name: string, { kind, startedAtMs, attributes = {} }: WorkOptions): TracedWork {
    const options = { kind: KINDS[kind], attributes, root: true };
    const span = this.#tracer.startSpan(
      name,
      startedAtMs === undefined ? options : { ...options, startTime: startedAtMs },
      ROOT_CONTEXT,
    );
    return new TracedWork(this.#tracer, span);
  }
}

/** A piece of work and its steps. Whoever began it ends it; what comes after that is not told. */
export class TracedWork {
  readonly #tracer: OtelTracer;
  readonly #span: Span;

  constructor(tracer: OtelTracer, span: Span) {
    this.#tracer = tracer;
    this.#span = span;
  }

  /** False where the sampler left it out: then whatever is told of it costs nothing, and is to be looked up for nobody. */
  get isRecorded(): boolean {
    return this.#span.isRecording();
  }

  set(attributes: Attributes): void {
    this.#span.setAttributes(attributes);
  }

  /** Says that it is about what another trace made. */
  link(context: SpanContext): void {
    this.#span.addLink({ context });
  }

  /** Runs a step of it. */
  async step<T>(name: string, run: () => Promise<T>): Promise<T> {
    const span = this.#child(name);
    try {
      return await run();
    } catch (error) {
      fail(span, error);
      throw error;
    } finally {
      span.end();
    }
  }

  /** A step that has ended now. */
  pastStep(name: string, startedAtMs: number): void {
    this.#child(name, startedAtMs).end();
  }

  /** Ends it, as failed where there is an error. */
  end(error?: unknown): void {
    if (!this.#span.isRecording()) return;
    if (error !== undefined) fail(this.#span, error);
    this.#span.end();
  }

  #child(name: string, startTime?: number): Span {
    const parent = trace.setSpan(ROOT_CONTEXT, this.#span);
    return this.#tracer.startSpan(name, startTime === undefined ? {} : { startTime }, parent);
  }
}

/** Runs a step of traced work; only runs it where nothing is traced. */
export function inStep<T>(
  work: TracedWork | null | undefined,
  name: string,
  run: () => Promise<T>,
): Promise<T> {
  return work === null || work === undefined ? run() : work.step(name, run);
}

/** By what may be logged of the error. */
function fail(span: Span, error: unknown): void {
  const told =
    error instanceof Error ? logError(error) : { type: typeof error, message: String(error) };
  span.setAttribute('error.type', told.type);
  span.setStatus({ code: SpanStatusCode.ERROR, message: redact(told.message) });
}
