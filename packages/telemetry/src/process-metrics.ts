import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Instruments } from './instruments.ts';
import type { MetricDefinitions } from './metric-definition.ts';

/** What every process tells of itself, whatever it does. */
export const PROCESS_METRICS = {
  drainState: {
    name: 'adtally_drain_state',
    kind: 'gauge',
    help: '0 running, 1 draining, 2 drained.',
    labels: {},
  },
  buildInfo: {
    name: 'adtally_build_info',
    kind: 'gauge',
    help: 'Always 1; the labels name the build.',
    labels: { version: 'open', node: 'open' },
  },
  processCpuSeconds: {
    name: 'process_cpu_seconds_total',
    kind: 'counter',
    help: 'CPU time of the process, user and system.',
    labels: {},
  },
  processResidentMemoryBytes: {
    name: 'process_resident_memory_bytes',
    kind: 'gauge',
    help: 'Resident memory of the process.',
    labels: {},
  },
  eventLoopDelaySeconds: {
    name: 'adtally_event_loop_delay_p99_seconds',
    kind: 'gauge',
    help: 'How late timers fired since the last scrape, 99th percentile.',
    labels: {},
  },
  otlpExports: {
    name: 'adtally_otlp_exports_total',
    kind: 'counter',
    help: 'Exports to a collector by OTLP, where one is set; what failed is dropped.',
    labels: { signal: ['traces', 'metrics'], outcome: ['sent', 'failed'] },
  },
  certificateExpiry: {
    name: 'adtally_certificate_expiry_timestamp_seconds',
    kind: 'gauge',
    help: 'Unix time at which files of certificates no longer serve: the first end in one of its own (`client`), the last in one of authorities (`ca`). Server `any`: `NODE_EXTRA_CA_CERTS`, for Redis and sinks.',
    labels: {
      server: ['kafka', 'postgres', 'schema-registry', 'otlp', 'any'],
      role: ['ca', 'client'],
    },
    startsAbsent: true,
  },
  tokenExpiry: {
    name: 'adtally_token_expiry_timestamp_seconds',
    kind: 'gauge',
    help: 'Unix time at which the token in hand ends; a new one is fetched when half of its life is over.',
    labels: { server: ['kafka'] },
    startsAbsent: true,
  },
} as const satisfies MetricDefinitions;

export type ProcessMetrics = Instruments<typeof PROCESS_METRICS>;

/** Takes the process's own figures when somebody asks; `stop` lets go of its timer. */
export function createProcessObserver(metrics: ProcessMetrics): { observe(): void; stop(): void } {
  const delay = monitorEventLoopDelay({ resolution: 20 });
  delay.enable();
  let countedMicros = 0;
  return {
    observe() {
      const cpu = process.cpuUsage();
      const micros = cpu.user + cpu.system;
      metrics.processCpuSeconds.add((micros - countedMicros) / 1e6);
      countedMicros = micros;
      metrics.processResidentMemoryBytes.set(process.memoryUsage.rss());
      const p99 = delay.count > 0 ? delay.percentile(99) / 1e9 : 0;
      metrics.eventLoopDelaySeconds.set(p99);
      delay.reset();
    },
    stop: () => void delay.disable(),
  };
}
