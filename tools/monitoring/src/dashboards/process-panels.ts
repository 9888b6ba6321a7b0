import { of, type App } from './apps.ts';
import type { PanelSpec } from './panel.ts';

/** What every process tells of itself. */
export function processPanels(app: App): PanelSpec[] {
  return [
    {
      kind: 'lines',
      title: 'CPU',
      description: 'Cores that each process uses.',
      unit: 'none',
      queries: { '{{instance}}': of(app, 'rate(process_cpu_seconds_total[$__rate_interval])') },
    },
    {
      kind: 'lines',
      title: 'Memory',
      description: 'Resident memory of each process; a consumer needs 1 GiB at most.',
      unit: 'bytes',
      queries: { '{{instance}}': of(app, 'process_resident_memory_bytes') },
    },
    {
      kind: 'lines',
      title: 'Event loop',
      description: 'How late timers fire, 99th percentile: high where the CPU is short.',
      unit: 's',
      queries: { '{{instance}}': of(app, 'adtally_event_loop_delay_p99_seconds') },
    },
    {
      kind: 'lines',
      title: 'Exports by OTLP',
      description: 'In five minutes, where a collector is set. Failed ones are dropped.',
      unit: 'none',
      queries: {
        '{{signal}} {{outcome}}': `sum by (signal, outcome) ${of(app, 'increase(adtally_otlp_exports_total[5m])')}`,
      },
    },
  ];
}
