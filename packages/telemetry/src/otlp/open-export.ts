/** Loaded only where something is exported: the SDK of traces and the exporters cost a start what they weigh. */
import { keepSecret } from '@adtally/config';
import type { Resource } from '@opentelemetry/resources';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
  type Sampler,
} from '@opentelemetry/sdk-trace';
import type { Logger } from '../logger.ts';
import type { ProcessMetrics } from '../process-metrics.ts';
import { Tracer } from '../traces/tracer.ts';
import { parseHeaders, type SamplerName } from './env.ts';
import { ExportReport } from './export-report.ts';
import { ReportedMetricExporter, ReportedTraceExporter } from './exporters.ts';
import type { ExportPlan } from './plan.ts';
import { PushReader } from './push-reader.ts';

/** How long the end of a process waits for what is still to be exported. */
const CLOSE_MAX_MS = 2_000;
/** Exports under way at one time: where a collector is slow, memory is bounded and the rest is dropped. */
const CONCURRENT_MAX = 2;

export interface ExportOptions {
  readonly resource: Resource;
  readonly version: string;
  readonly log: Logger;
}

/** What pushes traces and metrics to a collector. Nothing of it ever waits for one, but for `close`. */
export interface TelemetryExport {
  readonly tracer: Tracer | undefined;
  readonly metricReader: PushReader | undefined;
  countBy(counter: ProcessMetrics['otlpExports']): void;
  /** Exports what is left, for two seconds at most. @returns whether all of it was in time */
  close(): Promise<boolean>;
}

/** Makes the exporters that the plan asks for; connects to nothing yet. */
export function openExport(plan: ExportPlan, options: ExportOptions): TelemetryExport {
  const reports = {
    traces: new ExportReport('traces', options.log),
    metrics: new ExportReport('metrics', options.log),
  };
  const settings = {
    // Asked for with each export: the file that holds them may have changed.
    headers: async () => headersOf(plan),
    timeoutMillis: plan.timeoutMs,
    concurrencyLimit: CONCURRENT_MAX,
  };
  const { traces, metrics } = plan;
  const provider =
    traces === null
      ? null
      : new TracerProvider({
          resource: options.resource,
          sampler: samplerOf(traces.sampler, traces.ratio),
          spanProcessors: [
            new BatchSpanProcessor({
              exporter: new ReportedTraceExporter({ ...settings, url: traces.url }, reports.traces),
              exportTimeoutMillis: plan.timeoutMs,
            }),
          ],
        });
  const metricReader =
    metrics === null
      ? undefined
      : new PushReader(
          new ReportedMetricExporter({ ...settings, url: metrics.url }, reports.metrics),
          { intervalMs: metrics.intervalMs, timeoutMs: plan.timeoutMs },
        );
  return {
    tracer:
      provider === null ? undefined : new Tracer(provider.getTracer('adtally', options.version)),
    metricReader,
    countBy(counter) {
      reports.traces.countBy(counter);
      reports.metrics.countBy(counter);
    },
    close: () => inTime([provider?.shutdown(), metricReader?.shutdown()]),
  };
}

/** A server's answer may hold what it was sent: hidden as the whole text is. */
function headersOf(plan: ExportPlan): Record<string, string> {
  const headers = parseHeaders(plan.headers()) ?? {};
  for (const [name, value] of Object.entries(headers)) {
    keepSecret(value, true, `header ${name}`);
    // `Bearer` and `Basic` stand before what is the secret.
    keepSecret(value.slice(value.lastIndexOf(' ') + 1), true, `header ${name}`);
  }
  return headers;
}

function samplerOf(name: SamplerName, ratio: number): Sampler {
  switch (name) {
    case 'always_on':
      return new AlwaysOnSampler();
    case 'always_off':
      return new AlwaysOffSampler();
    case 'traceidratio':
      return new TraceIdRatioBasedSampler(ratio);
    case 'parentbased_always_on':
      return new ParentBasedSampler({ root: new AlwaysOnSampler() });
    case 'parentbased_always_off':
      return new ParentBasedSampler({ root: new AlwaysOffSampler() });
    case 'parentbased_traceidratio':
      return new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(ratio) });
    default:
      return name satisfies never;
  }
}

async function inTime(closing: readonly (Promise<void> | undefined)[]): Promise<boolean> {
  const late = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => late.resolve(false), CLOSE_MAX_MS);
  // What could not be sent was told by the report.
  const done = Promise.allSettled(closing.filter((one) => one !== undefined)).then(() => true);
  try {
    return await Promise.race([done, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
