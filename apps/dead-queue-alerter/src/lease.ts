import { renewAlerterLease } from '@adtally/alerting';
import { type DatabaseExecutor } from '@adtally/db';
import { pause } from '@adtally/pacing';

const RENEW_EVERY_MS = 1_000;
/** A holder that has not renewed for so long is ended by whoever waits. */
export const LEASE_STALE_MS = 6_000;
/** Sends stop well before a successor may begin. */
const FRESH_MS = LEASE_STALE_MS - 2_000;

/** Another instance is active, or may be. */
export class LeaseLost extends Error {
  override readonly name = 'LeaseLost';
}

/**
 * The right of one session to be the active instance.
 *
 * The fence is the session: it holds the advisory lock and is the only way the active instance writes
 * (letters, incidents, claims of what to send). A successor gets the lock only once that session has ended,
 * by itself or by the successor's hand, and with it every open transaction: an instance that was frozen
 * finds its connection dead when it wakes, and can neither write nor claim. What no database can fence is
 * a request on its way to a sink; so nothing is sent unless the lease was renewed a moment ago, by a clock
 * that goes on while the process is frozen.
 */
export class Lease {
  readonly epoch: bigint;
  readonly #session: DatabaseExecutor;
  #renewedMs = performance.now();

  constructor(session: DatabaseExecutor, epoch: bigint) {
    this.#session = session;
    this.epoch = epoch;
  }

  /** @throws LeaseLost where a successor may have taken over meanwhile */
  requireFresh(): void {
    const ageMs = performance.now() - this.#renewedMs;
    if (ageMs > FRESH_MS) throw new LeaseLost(`lease not renewed for ${Math.round(ageMs)} ms`);
  }

  /** Renews until the signal fires. Rejects when the session is gone or the lease is another's. */
  async keep(signal: AbortSignal, onRenewed: (serverNowMs: number) => void): Promise<void> {
    while (!signal.aborted) {
      const askedMs = performance.now();
      const nowMs = await renewAlerterLease(this.#session, this.epoch);
      if (nowMs === null) throw new LeaseLost('another instance is active');
      this.#renewedMs = askedMs;
      onRenewed(nowMs);
      await pause(RENEW_EVERY_MS, signal);
    }
  }
}
