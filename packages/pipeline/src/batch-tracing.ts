import type { SourceCounts } from '@adtally/db';
import type { EventBatch } from '@adtally/event-schema';
import { readTraceParent, TRACE_PARENT_HEADER, type Tracer } from '@adtally/telemetry';
import type { BatchWork } from './batch-work.ts';

/** Records of a batch whose headers are looked at, evenly among all that have any. */
const LOOKED_AT_MAX = 128;
const LINKS_MAX = 32;

/** What the traces of batches are named by. */
export interface TracedBatches {
  readonly name: string;
  /** The topic its records are of. */
  readonly topic: string;
  readonly consumerGroup?: string;
}

type TraceContext = NonNullable<ReturnType<typeof readTraceParent>>;

/** Begins a trace for each batch, with links to what its producers were doing; there is one where traces are exported. */
export class BatchTracing {
  readonly #tracer: Tracer;
  readonly #of: TracedBatches;

  constructor(tracer: Tracer, of: TracedBatches) {
    this.#tracer = tracer;
    this.#of = of;
  }

  /** Begins the trace of a batch that has been filled since then, in milliseconds since 1970. */
  begin(work: BatchWork, filledFromMs: number): void {
    const { name, topic, consumerGroup } = this.#of;
    const trace = this.#tracer.begin(name, {
      kind: 'consumer',
      startedAtMs: filledFromMs,
      attributes: {
        'messaging.system': 'kafka',
        'messaging.operation.type': 'process',
        'messaging.destination.name': topic,
        ...(consumerGroup !== undefined && { 'messaging.consumer.group.name': consumerGroup }),
        'messaging.batch.message_count': work.batch.count,
        'adtally.batch.sources': work.spans.size,
      },
    });
    trace.pastStep('fill', filledFromMs);
    work.trace = trace;
    if (!trace.isRecorded) return;
    for (const context of producersOf(work.batch)) trace.link(context);
  }
}

/** Says in the batch's trace what the database counted of it. */
export function tellCounts(work: BatchWork, counts: readonly SourceCounts[]): void {
  const sum = (of: (one: SourceCounts) => number): number =>
    counts.reduce((total, one) => total + of(one), 0);
  work.trace?.set({
    'adtally.batch.stored': sum(({ stored }) => stored),
    'adtally.batch.duplicates': sum(({ duplicate }) => duplicate),
    'adtally.batch.conflicts': sum(({ conflict }) => conflict),
    'adtally.batch.dead_lettered': sum(({ deadLettered }) => deadLettered),
  });
}

/** The spans that some of its records name as theirs, each once. */
function producersOf(batch: EventBatch): Iterable<TraceContext> {
  const found = new Map<string, TraceContext>();
  const stride = Math.ceil(batch.count / LOOKED_AT_MAX);
  for (let row = 0; row < batch.count && found.size < LINKS_MAX; row += stride) {
    const context = traceContextOf(batch, row);
    if (context !== null) found.set(`${context.traceId}-${context.spanId}`, context);
  }
  return found.values();
}

/** Null where it names none, or more than one. */
function traceContextOf(batch: EventBatch, row: number): TraceContext | null {
  const { places } = batch;
  if (places.isWhole(row) && !places.hasHeaders(row)) return null;
  const stated = (batch.record(row).headers ?? []).flatMap((header) =>
    Object.hasOwn(header, TRACE_PARENT_HEADER) ? [header[TRACE_PARENT_HEADER]] : [],
  );
  const [value] = stated;
  if (stated.length !== 1 || value === undefined) return null;
  // One character a byte: what is no ASCII is no trace context.
  return readTraceParent(typeof value === 'string' ? value : value.toString('latin1'));
}
