import type { Secret } from '@adtally/config';
import { ADVISORY_LOCKS, type Database } from '@adtally/db';
import { pause } from '@adtally/pacing';
import type { Service } from '@adtally/service';
import type { Logger, MetricsExport } from '@adtally/telemetry';
import { sql } from 'kysely';
import { ALL_FIGURES } from './figures/all-figures.ts';
import type { Figures } from './figures/figures.ts';
import { Leadership } from './leadership.ts';
import type { SystemMetrics } from './metrics.ts';
import { RunningAudit } from './running-audit.ts';

export interface SystemMetricsParts {
  readonly config: { readonly databaseUrl: string | Secret };
  readonly metrics: SystemMetrics & Pick<MetricsExport, 'beforeScrape'>;
  readonly log: Logger;
}

export interface SystemMetricsPace {
  /** From look to look, of the leader and of those who would be it. */
  readonly everyMs: number;
  /** Figures that were not read again for so long are not told any more. */
  readonly staleAfterMs: number;
  /** A session that says nothing for so long is ended by the server. Longer: two never tell at a time. */
  readonly silentMaxMs: number;
}

/** With a scrape behind it what waits is seen within 15 s. */
const PACE: SystemMetricsPace = { everyMs: 5_000, staleAfterMs: 40_000, silentMaxMs: 60_000 };
/** Figures that are costly are read at one look of so many. */
const LOOKS_A_COSTLY_ONE = 3;
/** Also after a look that took longer than the pause between two. */
const PAUSE_MIN_MS = 100;

/**
 * Tells the shared metrics while this process is the leader, and none of them otherwise. The leader is whose
 * session holds the advisory lock. It has one connection of its own and nothing that its service waits for: with
 * the database away, slow or full, the service goes on and the figures are absent.
 */
export class SystemMetricsExporter implements Service {
  readonly name = 'system-metrics';
  readonly #parts: SystemMetricsParts;
  readonly #pace: SystemMetricsPace;
  readonly #leadership: Leadership;
  /** What could not be read at the last look, so that a lasting failure is said once. */
  readonly #failing = new Set<string>();
  /** When the figures told now were asked for; monotonic. */
  #askedMs = 0;

  constructor(parts: SystemMetricsParts, pace: SystemMetricsPace = PACE) {
    this.#parts = parts;
    this.#pace = pace;
    this.#leadership = new Leadership({
      databaseUrl: parts.config.databaseUrl,
      applicationName: 'adtally-system-metrics',
      lock: ADVISORY_LOCKS.systemMetrics,
      everyMs: pace.everyMs,
      silentMaxMs: pace.silentMaxMs,
      lead: (session, over) => this.#lead(session, over),
      onSession: () => this.#failing.delete('session'),
      onFailure: (error) => this.#note('session', error),
    });
    // A process that was frozen may be asked before it finds that it lost the lead.
    parts.metrics.beforeScrape(() => {
      if (performance.now() - this.#askedMs > pace.staleAfterMs) this.#forgetAll();
    });
  }

  async start(): Promise<void> {
    this.#leadership.start();
  }

  /** Ends the session, and with it the lead, without waiting for the server. */
  async stop(): Promise<void> {
    await this.#leadership.stop();
  }

  async #lead(session: Database, over: AbortSignal): Promise<void> {
    const { config, log } = this.#parts;
    log.info('tells the figures of the whole system');
    const { databaseUrl } = config;
    const ended = new AbortController();
    const until = AbortSignal.any([over, ended.signal]);
    const auditing = new RunningAudit({ databaseUrl, log }).run(until);
    try {
      for (let look = 0; !over.aborted; look += 1) {
        const startedMs = performance.now();
        for (const figures of ALL_FIGURES) {
          const isDue = !figures.isCostly || look % LOOKS_A_COSTLY_ONE === 0;
          if (isDue) await this.#tell(session, figures);
        }
        const restMs = this.#pace.everyMs - (performance.now() - startedMs);
        await pause(Math.max(restMs, PAUSE_MIN_MS), over);
      }
    } finally {
      this.#forgetAll();
      ended.abort();
      await auditing;
    }
  }

  /** What cannot be read is not told; throws where the session is gone, and the lead with it. */
  async #tell(session: Database, figures: Figures): Promise<void> {
    const askedMs = performance.now();
    try {
      await figures.tell(session, this.#parts.metrics);
      this.#askedMs = askedMs;
      this.#failing.delete(figures.name);
    } catch (error) {
      this.#forget(figures);
      await sql`SELECT 1`.execute(session);
      this.#note(figures.name, error);
    }
  }

  #note(what: string, error: unknown): void {
    const level = this.#failing.has(what) ? 'debug' : 'warn';
    this.#failing.add(what);
    this.#parts.log[level]({ err: error, figures: what }, 'system figures cannot be read');
  }

  #forgetAll(): void {
    for (const figures of ALL_FIGURES) this.#forget(figures);
  }

  #forget({ metrics }: Figures): void {
    for (const key of Object.keys(metrics)) this.#parts.metrics[key as keyof SystemMetrics].clear();
  }
}
