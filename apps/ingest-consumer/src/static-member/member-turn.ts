import type { WriterSession } from '@adtally/db';
import { Abandoned, Backoff, pause, RecurringTask } from '@adtally/pacing';
import type { WriterLink } from '@adtally/pipeline';
import type { Logger } from '@adtally/telemetry';
import { type MemberIdentity, releaseMemberLock, tryMemberLock } from './member-lock.ts';

export interface MemberTurnParts {
  readonly link: Pick<WriterLink, 'isConnected' | 'check' | 'session'>;
  /** What is done for the first time takes several times as long: done once while it stands by, in about a second at most. */
  readonly rehearse: (session: WriterSession, signal: AbortSignal) => Promise<void>;
  readonly log: Logger;
  /** A process that stands by is alive. */
  readonly beat: () => void;
}

export interface MemberTurnLimits {
  /** Longer than a process takes to drain, and than brokers keep a static member that says nothing. */
  readonly waitMaxMs: number;
  /** For so long a place must be free of which nobody said goodbye: a session that was lost is opened again. */
  readonly goneMs?: number;
}

/** `unknown`: the database does not say. */
type Answer = 'ours' | 'anothers' | 'unknown';

const ASK_EVERY_MS = 10;
const ASK_AGAIN_FIRST_MS = 50;
const ASK_AGAIN_LAST_MS = 2_000;
/** Twice as soon as `GONE_MS`: whoever lost the lock with its session has it again before another one takes it. */
const KEEP_EVERY_MS = 500;
const GONE_MS = 3_000;
/** A goodbye may be heard some time before or after the lock is free. */
const GOODBYE_WITHIN_MS = 2_000;
const PULSE_MS = 1_000;

/**
 * The turn of a process to be the static member that it is named after. One that takes another's place stands by, with all of
 * its connections open, until that one has left: so a partition rests for a join, not for a start (docs/adr/0053).
 */
export class MemberTurn {
  readonly #member: MemberIdentity;
  readonly #parts: MemberTurnParts;
  readonly #limits: MemberTurnLimits;
  readonly #keeping: RecurringTask;
  #standsBy = false;
  #goodbyeAtMs = Number.NEGATIVE_INFINITY;
  #lockedBy: WriterSession | null = null;

  constructor(parts: MemberTurnParts, member: MemberIdentity, limits: MemberTurnLimits) {
    this.#parts = parts;
    this.#member = member;
    this.#limits = limits;
    this.#keeping = new RecurringTask({
      everyMs: KEEP_EVERY_MS,
      run: (signal) => this.#keep(signal),
      onError: (error) =>
        parts.log.debug({ err: error }, 'the lock of the member was not asked for'),
    });
  }

  /** Whether it waits for the process before it, and is ready to take over. */
  get standsBy(): boolean {
    return this.#standsBy;
  }

  /** A member of the group came, left or gave something back. */
  heard(): void {
    this.#goodbyeAtMs = performance.now();
  }

  /**
   * Returns once no other process is this member, and at the limit whatever the others do: one may be frozen. Then the group
   * decides; KIP-848 refuses the new one for as long as it knows the old one, the classic protocol ends the old one.
   * @throws Abandoned, and what the rehearsal ends with
   */
  async come(signal: AbortSignal): Promise<void> {
    const pulse = setInterval(this.#parts.beat, PULSE_MS);
    const over = new AbortController();
    try {
      await this.#wait(AbortSignal.any([signal, over.signal]));
      if (signal.aborted) throw new Abandoned('standing by');
    } finally {
      over.abort();
      clearInterval(pulse);
      this.#standsBy = false;
    }
  }

  /** Sees to it that others stand by, also where a session was lost since, or this process came out of turn. */
  start(): void {
    this.#keeping.start();
  }

  stop(): Promise<void> {
    return this.#keeping.stop();
  }

  async #wait(signal: AbortSignal): Promise<void> {
    const { log } = this.#parts;
    const { waitMaxMs, goneMs = GONE_MS } = this.#limits;
    const { instanceId } = this.#member;
    const deadlineMs = performance.now() + waitMaxMs;
    const backoff = new Backoff(ASK_AGAIN_FIRST_MS, ASK_AGAIN_LAST_MS);
    let hasStoodBy = false;
    let freeSinceMs: number | null = null;
    while (!signal.aborted) {
      const answer = await this.#ask(signal);
      const nowMs = performance.now();
      if (answer === 'ours') {
        freeSinceMs ??= nowMs;
        const isGoodbye = nowMs - this.#goodbyeAtMs < GOODBYE_WITHIN_MS;
        if (!hasStoodBy || isGoodbye || nowMs - freeSinceMs >= goneMs) return;
        await this.#giveBack();
      } else freeSinceMs = null;
      if (nowMs > deadlineMs) {
        log.warn({ instanceId, answer, waitedMs: waitMaxMs }, 'joining the group out of turn');
        return;
      }
      if (answer === 'anothers' && !hasStoodBy) {
        hasStoodBy = true;
        await this.#standBy(signal);
      }
      if (answer === 'unknown') await backoff.wait(signal, 'standing by');
      else await pause(ASK_EVERY_MS, signal);
    }
  }

  /** Tries to take the lock; `ours` where it did. */
  async #ask(signal: AbortSignal): Promise<Answer> {
    const { link } = this.#parts;
    if (!link.isConnected) await link.check(signal);
    if (!link.isConnected) return 'unknown';
    try {
      const session = await link.session(signal);
      if (!(await tryMemberLock(session, this.#member))) return 'anothers';
      this.#lockedBy = session;
      return 'ours';
    } catch (error) {
      if (error instanceof Abandoned) throw error;
      return 'unknown';
    }
  }

  /** So that the one that has lost it can take it again. */
  async #giveBack(): Promise<void> {
    const session = this.#lockedBy;
    this.#lockedBy = null;
    // Of a session that ended it is free.
    if (session !== null) await releaseMemberLock(session, this.#member).catch(() => undefined);
  }

  async #standBy(signal: AbortSignal): Promise<void> {
    const { link, rehearse, log } = this.#parts;
    const { instanceId } = this.#member;
    log.info({ instanceId }, 'standing by until the process that is this member leaves');
    // Nothing else is asked of the session meanwhile: it would be asked inside of a rehearsed transaction.
    await rehearse(await link.session(signal), signal);
    this.#standsBy = true;
  }

  async #keep(signal: AbortSignal): Promise<void> {
    const { link } = this.#parts;
    if (!link.isConnected || this.#lockedBy === (await link.session(signal))) return;
    await this.#ask(signal);
  }
}
