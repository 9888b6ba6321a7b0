import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import type { ExportReport } from './export-report.ts';

type TraceSettings = ConstructorParameters<typeof OTLPTraceExporter>[0];
type MetricSettings = ConstructorParameters<typeof OTLPMetricExporter>[0];

/** The exporter of traces; the report is told how each export ends. */
export class ReportedTraceExporter extends OTLPTraceExporter {
  readonly #report: ExportReport;

  constructor(settings: TraceSettings, report: ExportReport) {
    super(settings);
    this.#report = report;
  }

  override export(...[spans, done]: Parameters<OTLPTraceExporter['export']>): void {
    super.export(spans, (result) => {
      this.#report.note(result);
      done(result);
    });
  }
}

/** The exporter of metrics; the report is told how each export ends. */
export class ReportedMetricExporter extends OTLPMetricExporter {
  readonly #report: ExportReport;

  constructor(settings: MetricSettings, report: ExportReport) {
    super(settings);
    this.#report = report;
  }

  override export(...[metrics, done]: Parameters<OTLPMetricExporter['export']>): void {
    super.export(metrics, (result) => {
      this.#report.note(result);
      done(result);
    });
  }
}
