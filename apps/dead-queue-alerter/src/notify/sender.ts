import {
  claimNotification,
  openInSink,
  settleNotification,
  type ClaimedNotification,
} from '@adtally/alerting';
import { type DatabaseExecutor } from '@adtally/db';
import { backoffMs, pause } from '@adtally/pacing';
import type { WorkBook } from '@adtally/service';
import type { Logger, Tracer } from '@adtally/telemetry';
import { storedMessage } from '../incidents/message.ts';
import type { Lease } from '../lease.ts';
import type { AlerterMetrics } from '../metrics.ts';
import type { Bell } from '../bell.ts';
import type { SendOutcome } from './sink.ts';
import type { ListedSink } from './sinks.ts';

export interface SenderOptions {
  readonly retryFirstMs: number;
  readonly retryLastMs: number;
  /** So many refusals for good, and a row is given up ... */
  readonly refusalsMax: number;
  /** ... but not before it is so old: a sink that is being deployed refuses too. */
  readonly refusalsMs: number;
}

export interface SenderParts {
  readonly sink: ListedSink;
  readonly session: DatabaseExecutor;
  readonly lease: Lease;
  readonly bell: Bell;
  readonly metrics: AlerterMetrics;
  readonly tracer?: Tracer | undefined;
  readonly log: Logger;
  readonly book: WorkBook;
}

/** Why a notification was not taken, for its trace. */
class NotSent extends Error {
  override name = 'NotSent';
}

/** Of the outcomes that are no success: whether it is this row alone that the sink does not want. */
const IS_REFUSAL: Readonly<Record<Exclude<SendOutcome['kind'], 'sent'>, boolean>> = {
  unavailable: false,
  refused: true,
};
/** Rows whose time has come are found at the latest after this. */
const LOOK_EVERY_MS = 1_000;

/**
 * Empties the outbox of one sink, one message at a time; every sink has its own, so that a slow one holds
 * up nobody. A row is claimed before it is sent and settled afterwards: a process that dies in between
 * sends it again, since a page too many is better than none.
 */
export class Sender {
  readonly #parts: SenderParts;
  readonly #options: SenderOptions;
  /** In a row, of the sink as a whole. */
  #failures = 0;
  #refreshedMs = performance.now();

  constructor(parts: SenderParts, options: SenderOptions) {
    this.#parts = parts;
    this.#options = options;
  }

  /**
   * Sends until `stopping` fires, the message in hand included; `lost` gives that one up too. Rejects when
   * the session or the lease is gone.
   */
  async run(stopping: AbortSignal, lost: AbortSignal): Promise<void> {
    const { sink, session, lease, bell, book } = this.#parts;
    const sending = `notifications being sent to ${sink.name}`;
    while (!stopping.aborted) {
      const row = await claimNotification(session, sink.name, lease.epoch);
      if (row === null) {
        await this.#refresh(stopping, lost);
        await bell.wait(LOOK_EVERY_MS, stopping);
        continue;
      }
      lease.requireFresh();
      book.begin(sending, 1);
      const outcome = await this.#send(row, lost);
      lost.throwIfAborted();
      const pauseMs = await this.#settle(row, outcome);
      book.end(sending);
      if (pauseMs > 0) await pause(pauseMs, stopping);
    }
  }

  async #send(row: ClaimedNotification, lost: AbortSignal): Promise<SendOutcome> {
    const { sink, tracer } = this.#parts;
    const trace = tracer?.begin('send notification', {
      kind: 'client',
      attributes: {
        'adtally.sink': sink.name,
        'adtally.incident': Number(row.incidentId),
        'adtally.notification.kind': row.kind,
        'adtally.notification.attempt': row.attempts,
      },
    });
    const outcome = await sink.send(storedMessage(row.message), lost);
    trace?.set({ 'adtally.notification.outcome': outcome.kind });
    trace?.end(outcome.kind === 'sent' ? undefined : new NotSent(outcome.error));
    return outcome;
  }

  /** Writes down what came of it; returns how long, in ms, to wait before the next one. */
  async #settle(row: ClaimedNotification, outcome: SendOutcome): Promise<number> {
    const { sink, session, metrics, log } = this.#parts;
    const id = row.notificationId;
    const about = { sink: sink.name, incident: Number(row.incidentId), kind: row.kind };
    if (outcome.kind === 'sent') {
      this.#failures = 0;
      await settleNotification(session, id, { state: 'sent' });
      metrics.notifications.add(1, { sink: sink.name, outcome: 'sent' });
      log.info(about, 'notification sent');
      return 0;
    }
    const { error } = outcome;
    const isRefusal = IS_REFUSAL[outcome.kind];
    const isRefusedForGood =
      isRefusal &&
      row.refusals + 1 >= this.#options.refusalsMax &&
      row.ageMs >= this.#options.refusalsMs;
    if (isRefusedForGood) {
      await settleNotification(session, id, { state: 'failed', error });
      metrics.notifications.add(1, { sink: sink.name, outcome: 'failed' });
      log.error({ ...about, error }, 'notification given up: the sink refuses it for good');
      return 0;
    }
    if (!isRefusal) this.#failures += 1;
    const delayMs = this.#delayMs(isRefusal ? row.refusals + 1 : this.#failures, outcome);
    await settleNotification(session, id, { state: 'waiting', error, delayMs, isRefusal });
    metrics.notifications.add(1, { sink: sink.name, outcome: 'retried' });
    log.warn({ ...about, error, attempt: row.attempts, delayMs }, 'notification not sent yet');
    // What waits behind would fare no better, unless it is this row alone that the sink does not want.
    return isRefusal ? 0 : delayMs;
  }

  #delayMs(failures: number, outcome: SendOutcome): number {
    const { retryFirstMs, retryLastMs } = this.#options;
    const ownMs = backoffMs(failures, retryFirstMs, retryLastMs);
    const askedMs = outcome.kind === 'unavailable' ? (outcome.retryAfterMs ?? 0) : 0;
    return Math.round(Math.max(ownMs, askedMs));
  }

  /** Says open incidents again to a sink that would forget them. Best effort: the next time heals it. */
  async #refresh(stopping: AbortSignal, lost: AbortSignal): Promise<void> {
    const { sink, session, lease, log } = this.#parts;
    const { refresh } = sink;
    if (refresh === undefined || performance.now() - this.#refreshedMs < refresh.everyMs) return;
    this.#refreshedMs = performance.now();
    const open = await openInSink(session, sink.name);
    if (open.length === 0 || stopping.aborted) return;
    lease.requireFresh();
    const outcome = await refresh.send(
      open.map(({ message }) => storedMessage(message)),
      lost,
    );
    if (outcome.kind !== 'sent') {
      log.warn({ sink: sink.name, error: outcome.error }, 'open incidents not repeated');
    }
  }
}
