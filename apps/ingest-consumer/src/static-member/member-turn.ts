import type { WriterSession } from '@adtally/db';
import { Abandoned, Backoff, pause, RecurringTask } from '@adtally/pacing';
import type { WriterLink } from '@adtally/pipeline';
import type { Logger } from '@adtally/telemetry';
import { memberHolder, type MemberIdentity, tryMemberLock } from './member-lock.ts';

export interface MemberTurnParts {
  readonly link: Pick<WriterLink, 'isConnected' | 'check' | 'session'>;
  /** What is done for the first time takes several times as long: done once while it stands by, in some two seconds at most. */
  readonly rehearse: (session: WriterSession, signal: AbortSignal) => Promise<void>;
  readonly log: Logger;
  /** A process that stands by is alive. */
  readonly beat: () => void;
}

export interface MemberTurnLimits {
  /**
   * For so long after the last sign of life of the process before it: longer than brokers keep a static member that says
   * nothing, by default (45 s).
   */
  readonly silentMaxMs?: number;
  /** For so long a place must be free of which nobody said goodbye: a session that was lost is opened again. */
  readonly goneMs?: number;
}

/** `unknown`: the database does not say. */
type Answer = 'ours' | 'anothers' | 'unknown';

const SILENT_MAX_MS = 60_000;
/** Longer than an attempt to open a session may take (10 s), and the pause before it. */
const GONE_MS = 13_000;
/** A goodbye may be heard some time before or after the lock is free: so often, and for so long, it is asked for then. */
const ASK_EVERY_MS = 10;
const GOODBYE_WITHIN_MS = 2_000;
const LOOK_EVERY_MS = 250;
const LOOK_AGAIN_FIRST_MS = 50;
const LOOK_AGAIN_LAST_MS = 2_000;
const KEEP_EVERY_MS = 500;
const PULSE_MS = 1_000;

/**
 * The turn of a process to be the static member that it is named after. One that takes another's place stands by, with all of
 * its connections open, until that one has left: so a partition rests for a join, not for a start (docs/adr/0053).
 */
export class MemberTurn {
  readonly #member: MemberIdentity;
  readonly #parts: MemberTurnParts;
  readonly #silentMaxMs: number;
  readonly #goneMs: number;
  readonly #keeping: RecurringTask;
  #standsBy = false;
  #goodbyeAtMs = Number.NEGATIVE_INFINITY;
  #woken = new AbortController();
  #lockedBy: WriterSession | null = null;

  constructor(parts: MemberTurnParts, member: MemberIdentity, limits: MemberTurnLimits = {}) {
    this.#parts = parts;
    this.#member = member;
    this.#silentMaxMs = limits.silentMaxMs ?? SILENT_MAX_MS;
    this.#goneMs = limits.goneMs ?? GONE_MS;
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

  /** A static member of the group has left it. */
  heardGoodbye(instanceId: string): void {
    if (instanceId !== this.#member.instanceId) return;
    this.#goodbyeAtMs = performance.now();
    this.#woken.abort();
  }

  /**
   * Returns once no other process is this member, and a minute after the last sign of life of one that is: it may be frozen.
   * Then the group decides; KIP-848 refuses the new one for as long as it knows the old one, the classic protocol ends the old one.
   * @throws Abandoned, and what the rehearsal ends with
   */
  async come(signal: AbortSignal): Promise<void> {
    const pulse = setInterval(this.#parts.beat, PULSE_MS);
    try {
      const answer = await this.#ask(signal);
      if (answer !== 'ours') await this.#wait(signal);
      if (signal.aborted) throw new Abandoned('standing by');
    } finally {
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
    const { instanceId } = this.#member;
    const backoff = new Backoff(LOOK_AGAIN_FIRST_MS, LOOK_AGAIN_LAST_MS);
    let hasStoodBy = false;
    let aliveAtMs = performance.now();
    let freeSinceMs: number | null = null;
    while (!signal.aborted) {
      const isGoodbye = performance.now() - this.#goodbyeAtMs < GOODBYE_WITHIN_MS;
      if (isGoodbye && (await this.#ask(signal)) === 'ours') return;
      const found = await this.#look(signal);
      const holder = found === 'unknown' ? null : found;
      const nowMs = performance.now();
      if (found === null) freeSinceMs ??= nowMs;
      else freeSinceMs = null;
      if (freeSinceMs !== null && nowMs - freeSinceMs >= this.#goneMs) {
        if ((await this.#ask(signal)) === 'ours') return;
        freeSinceMs = null;
      }
      if (typeof holder?.silentMs === 'number')
        aliveAtMs = Math.max(aliveAtMs, nowMs - holder.silentMs);
      if (freeSinceMs === null && nowMs - aliveAtMs > this.#silentMaxMs) {
        const silentMs = Math.round(nowMs - aliveAtMs);
        return log.warn({ instanceId, silentMs }, 'joining the group out of turn');
      }
      if (holder !== null && !hasStoodBy) {
        hasStoodBy = true;
        await this.#standBy(signal);
      }
      if (found === 'unknown') await backoff.wait(signal, 'standing by');
      else await this.#rest(isGoodbye ? ASK_EVERY_MS : LOOK_EVERY_MS, signal);
    }
  }

  /** Until the time is over, or a goodbye is heard. */
  async #rest(ms: number, signal: AbortSignal): Promise<void> {
    await pause(ms, AbortSignal.any([signal, this.#woken.signal]));
    if (this.#woken.signal.aborted) this.#woken = new AbortController();
  }

  /** Tries to take the lock; `ours` where it did. */
  async #ask(signal: AbortSignal): Promise<Answer> {
    return await this.#bySession(signal, async (session) => {
      if (!(await tryMemberLock(session, this.#member))) return 'anothers';
      this.#lockedBy = session;
      return 'ours';
    });
  }

  /** Who has the lock; null: nobody. */
  async #look(signal: AbortSignal) {
    return await this.#bySession(signal, (session) => memberHolder(session, this.#member));
  }

  async #bySession<T>(
    signal: AbortSignal,
    ask: (session: WriterSession) => Promise<T>,
  ): Promise<T | 'unknown'> {
    const { link } = this.#parts;
    if (!link.isConnected) await link.check(signal);
    if (!link.isConnected) return 'unknown';
    try {
      return await ask(await link.session(signal));
    } catch (error) {
      if (error instanceof Abandoned) throw error;
      return 'unknown';
    }
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
    if (link.isConnected && this.#lockedBy === (await link.session(signal))) return;
    await this.#ask(signal);
  }
}
