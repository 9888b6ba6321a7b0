import type { Secret } from '@adtally/config';
import { auditAgeMs, auditSince, cutConnections, openDatabase, recordAudit } from '@adtally/db';
import { pause } from '@adtally/pacing';
import type { Logger } from '@adtally/telemetry';

export interface RunningAuditParts {
  readonly databaseUrl: string | Secret;
  readonly log: Logger;
}

export interface RunningAuditPace {
  /** From one to the next, by what stands in the database. */
  readonly everyMs: number;
  /** Longest single check: one that takes longer is not known, and is tried again later. */
  readonly timeoutMs: number;
}

const PACE: RunningAuditPace = { everyMs: 300_000, timeoutMs: 60_000 };
/** It rests for so many times as long as it took: a twentieth of one core at most. */
const REST_FACTOR = 20;
const CHECKED_BY = 'the leader';
const DAY_MS = 86_400_000;

/**
 * Audits what was counted since yesterday began (UTC), again and again while this process leads, for metrics and
 * pages: what somebody changes by hand today is known within minutes, and nobody has to ask. On a connection of its
 * own, since it may take longer than figures can wait for.
 */
export class RunningAudit {
  readonly #parts: RunningAuditParts;
  readonly #pace: RunningAuditPace;
  #isFailing = false;

  constructor(parts: RunningAuditParts, pace: RunningAuditPace = PACE) {
    this.#parts = parts;
    this.#pace = pace;
  }

  /** Until the signal fires; a check in hand is cut off. */
  async run(over: AbortSignal): Promise<void> {
    const db = openDatabase(this.#parts.databaseUrl, {
      applicationName: 'adtally-running-audit',
      maxConnections: 1,
      // The audit bounds its statements itself.
      statementTimeoutMs: 0,
    });
    const cut = (): void => cutConnections(db);
    over.addEventListener('abort', cut, { once: true });
    try {
      while (!over.aborted) {
        const startedMs = performance.now();
        let restMs: number;
        try {
          const ageMs = (await auditAgeMs(db, 'days')) ?? Infinity;
          restMs = this.#pace.everyMs - ageMs;
          if (restMs <= 0) {
            // Only which day is yesterday depends on this clock.
            const today = Math.floor(Date.now() / DAY_MS) * DAY_MS;
            const since = new Date(today - DAY_MS);
            const { checks } = await auditSince(db, since, { timeoutMs: this.#pace.timeoutMs });
            await recordAudit(db, 'days', checks, CHECKED_BY);
            restMs = this.#pace.everyMs;
          }
          this.#isFailing = false;
        } catch (error) {
          if (!over.aborted) this.#noteFailure(error);
          restMs = this.#pace.everyMs;
        }
        const tookMs = performance.now() - startedMs;
        await pause(Math.max(restMs, REST_FACTOR * tookMs), over);
      }
    } finally {
      over.removeEventListener('abort', cut);
      cut();
      await db.destroy();
    }
  }

  #noteFailure(error: unknown): void {
    const level = this.#isFailing ? 'debug' : 'warn';
    this.#isFailing = true;
    this.#parts.log[level]({ err: error }, 'yesterday and today could not be audited');
  }
}
