import { redact } from '@adtally/config';
import { RepeatedWords } from '@adtally/pacing';
import { ExportResultCode, type ExportResult } from '@opentelemetry/core';
import type { Logger } from '../logger.ts';
import type { ProcessMetrics } from '../process-metrics.ts';

export type Signal = 'traces' | 'metrics';

/** Counts exports, and says where they do not arrive: once, again after growing pauses, and when they do again. */
export class ExportReport {
  readonly #signal: Signal;
  readonly #log: Logger;
  readonly #words = new RepeatedWords<Signal>();
  #counter: ProcessMetrics['otlpExports'] | null = null;
  #failed = 0;

  constructor(signal: Signal, log: Logger) {
    this.#signal = signal;
    this.#log = log;
  }

  /** The exporter is made before the metrics that count what it does. */
  countBy(counter: ProcessMetrics['otlpExports']): void {
    this.#counter = counter;
  }

  /** Takes in how an export ended. */
  note({ code, error }: ExportResult): void {
    const signal = this.#signal;
    const isSent = code === ExportResultCode.SUCCESS;
    this.#counter?.add(1, { signal, outcome: isSent ? 'sent' : 'failed' });
    if (!isSent) return this.#noteFailed(error);
    if (this.#words.end(signal))
      this.#log.info({ signal, failed: this.#failed }, 'exports arrive again');
    this.#failed = 0;
  }

  #noteFailed(error: Error | undefined): void {
    const signal = this.#signal;
    this.#failed += 1;
    // By no words of the error: they may change from try to try, and it is one outage.
    if (!this.#words.isDue(signal, 'failed', performance.now())) return;
    this.#log.warn(
      { signal, failed: this.#failed, error: redact(error?.message || error?.name || 'no answer') },
      'exports do not arrive: what does not fit in memory is dropped, and nothing waits for it',
    );
  }
}
