import { EXIT } from '@adtally/command-line';
import { Backoff, type ServerFailure } from '@adtally/pacing';
import type { Logger } from '@adtally/telemetry';

const REFUSED_MAX_MS = 60_000;
/** Between two log lines about the same trouble: doubling from the first to the last. */
const SAY_AGAIN_FIRST_MS = 1_000;
const SAY_AGAIN_LAST_MS = 60_000;
const ATTEMPT_AGAIN_FIRST_MS = 200;
const ATTEMPT_AGAIN_LAST_MS = 5_000;
/** An attempt is bounded, by up to half a minute; meanwhile the process is alive. */
const PULSE_MS = 1_000;

/** Waiting longer would change nothing: a person has to. Ends a service with exit code 78. */
export class ServerUnusable extends Error {
  override readonly name = 'ServerUnusable';
  readonly exitCode = EXIT.configuration;
}

export interface ServerStandingOptions {
  /** As its user knows it: `PostgreSQL`, `Kafka`. */
  readonly title: string;
  /** How long it may refuse us, and be nothing else, before it ever worked. */
  readonly refusedMaxMs?: number;
  readonly log: Logger;
}

/**
 * How a process stands with one server: whether they have ever worked together, and what is the matter now.
 * Decides whether to wait on (ADR 16): before they have ever worked together, what is hopeless ends the process
 * at once, and what is refused does after `refusedMaxMs` of nothing else. Afterwards everything is waited for.
 */
export class ServerStanding {
  readonly title: string;
  readonly #options: ServerStandingOptions;
  #hasWorked = false;
  #failure: ServerFailure | null = null;
  #failingSinceMs = 0;
  #refusedSinceMs: number | null = null;
  #saidAtMs = 0;
  #sayAgainMs = SAY_AGAIN_FIRST_MS;

  constructor(options: ServerStandingOptions) {
    this.#options = options;
    this.title = options.title;
  }

  /** Whether they have ever worked together. */
  get hasWorked(): boolean {
    return this.#hasWorked;
  }

  /** What keeps this process from working with the server; undefined when nothing does. */
  get failure(): ServerFailure | undefined {
    return this.#failure ?? undefined;
  }

  /** All that the process needs of the server was there just now. */
  worked(): void {
    this.#hasWorked = true;
    this.answered();
  }

  /** It did what was asked, which need not be all that the process needs. */
  answered(): void {
    this.#refusedSinceMs = null;
    if (this.#failure === null) return;
    this.#failure = null;
    this.#options.log.info({ waited_s: this.#waitedSeconds() }, `${this.title} answers again`);
  }

  /**
   * Something could not be had of it; returns where waiting is the answer.
   * @param sinceMs when the attempt began, on the monotonic clock
   * @throws ServerUnusable where it is not
   */
  failed(failure: ServerFailure, sinceMs: number = performance.now()): void {
    if (this.#failure === null) this.#failingSinceMs = sinceMs;
    const isNew = this.#failure?.code !== failure.code;
    this.#failure = failure;
    if (failure.kind === 'refused') this.#refusedSinceMs ??= sinceMs;
    else this.#refusedSinceMs = null;
    if (!this.#hasWorked && this.#isOver(failure)) {
      throw new ServerUnusable(`${this.title} cannot be used: ${failure.detail} (${failure.code})`);
    }
    this.#say(failure, isNew);
  }

  #isOver({ kind }: ServerFailure): boolean {
    switch (kind) {
      case 'hopeless':
        return true;
      case 'refused':
        return (
          this.#refusedSinceMs !== null &&
          performance.now() - this.#refusedSinceMs >= (this.#options.refusedMaxMs ?? REFUSED_MAX_MS)
        );
      case 'away':
        return false;
      default:
        return kind satisfies never;
    }
  }

  #say({ code, detail }: ServerFailure, isNew: boolean): void {
    const nowMs = performance.now();
    if (isNew) this.#sayAgainMs = SAY_AGAIN_FIRST_MS;
    else if (nowMs - this.#saidAtMs < this.#sayAgainMs) return;
    else this.#sayAgainMs = Math.min(2 * this.#sayAgainMs, SAY_AGAIN_LAST_MS);
    this.#saidAtMs = nowMs;
    this.#options.log.warn(
      { reason: code, detail, waited_s: this.#waitedSeconds() },
      `waiting for ${this.title}`,
    );
  }

  #waitedSeconds(): number {
    return Math.round((performance.now() - this.#failingSinceMs) / 1_000);
  }
}

export interface AttemptOptions {
  /** What an error means for who waits; null where it is none of the server's: it is thrown on. */
  readonly classify: (error: unknown) => ServerFailure | null;
  /** Called every second: a process that waits is alive. */
  readonly beat: () => void;
  readonly signal: AbortSignal;
}

/**
 * Attempts something until the server does it, with growing pauses.
 * @throws ServerUnusable, Abandoned when the signal fires, and what is no failure of the server
 */
export async function untilItAnswers<T>(
  standing: ServerStanding,
  attempt: () => Promise<T>,
  { classify, beat, signal }: AttemptOptions,
): Promise<T> {
  const backoff = new Backoff(ATTEMPT_AGAIN_FIRST_MS, ATTEMPT_AGAIN_LAST_MS);
  const pulse = setInterval(beat, PULSE_MS);
  try {
    for (;;) {
      beat();
      const startedMs = performance.now();
      try {
        const answer = await attempt();
        standing.answered();
        return answer;
      } catch (error) {
        const failure = classify(error);
        if (failure === null) throw error;
        standing.failed(failure, startedMs);
      }
      await backoff.wait(signal, `waiting for ${standing.title}`);
    }
  } finally {
    clearInterval(pulse);
  }
}
