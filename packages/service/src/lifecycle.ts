import { EXIT, exitCodeOf } from '@adtally/command-line';
import type { Logger } from '@adtally/telemetry';
import type { Service } from './service.ts';
import { DrainCutShort, type Work } from './work-in-hand.ts';

/**
 * - `starting`: services come up in order; a drain may come at any moment.
 * - `running`: all are up.
 * - `draining`: no more work is taken; services stop, last started first.
 * - `drained`: all have stopped, cleanly or not. Final.
 */
export type LifecycleState = 'starting' | 'running' | 'draining' | 'drained';

const NEXT: Readonly<Record<LifecycleState, readonly LifecycleState[]>> = {
  starting: ['running', 'draining'],
  running: ['draining'],
  draining: ['drained'],
  drained: [],
};

/** Starts services in order and stops them once, in reverse. Knows nothing of signals or exits. */
export class Lifecycle {
  readonly #services: readonly Service[];
  readonly #logger: Logger;
  readonly #onState: (state: LifecycleState) => void;
  /** Those that were prepared or started; a service half way up must be stopped too. */
  readonly #begun = new Set<Service>();
  #state: LifecycleState = 'starting';
  #drain: Promise<void> | undefined;
  #exitCode = 0;

  constructor(
    services: readonly Service[],
    logger: Logger,
    onState: (state: LifecycleState) => void = () => undefined,
  ) {
    this.#services = services;
    this.#logger = logger;
    this.#onState = onState;
  }

  get state(): LifecycleState {
    return this.#state;
  }

  /** 0 unless something failed; the first failure decides. */
  get exitCode(): number {
    return this.#exitCode;
  }

  /** What the services still wait for. */
  notReady(): string[] {
    const reasons = this.#services.flatMap((service) => {
      const reason = service.notReady?.();
      return reason === undefined ? [] : [`${service.name}: ${reason}`];
    });
    return this.#state === 'running' ? reasons : [this.#state, ...reasons];
  }

  /** What all services together would leave if they ended now. */
  work(): Work {
    const all = this.#services.flatMap((service) => service.work?.() ?? []);
    return {
      inHand: all.flatMap(({ inHand }) => inHand),
      committed: all.flatMap(({ committed }) => committed),
    };
  }

  /** Lets all begin with what changes nothing for anybody else. */
  prepare(): void {
    if (this.#state !== 'starting') return;
    for (const service of this.#services) {
      if (service.prepare === undefined) continue;
      this.#begun.add(service);
      service.prepare();
    }
  }

  /** Resolves when all services are up, or when a drain came first; a failed start drains. */
  async start(): Promise<void> {
    for (const service of this.#services) {
      if (this.#state !== 'starting') return;
      this.#begun.add(service);
      void service.failed?.then((error) => this.#fail(`${service.name} failed`, error));
      try {
        await service.start();
      } catch (error) {
        // Stopped in the middle of starting: that is no failure.
        if (this.#state === 'starting') await this.#fail(`${service.name} could not start`, error);
        return;
      }
    }
    if (this.#state === 'starting') this.#enter('running');
  }

  /** Stops everything once; every caller gets the same promise. Never rejects. */
  drain(reason: string): Promise<void> {
    this.#drain ??= this.#stopAll(reason);
    return this.#drain;
  }

  async #stopAll(reason: string): Promise<void> {
    this.#enter('draining');
    this.#logger.info({ reason }, 'draining');
    const begun = this.#services.filter((service) => this.#begun.has(service));
    for (const service of begun.toReversed()) {
      try {
        await service.stop();
      } catch (error) {
        this.#exitCode ||= exitCodeOf(error) ?? EXIT.failure;
        this.#noteFailedStop(service, error);
      }
    }
    this.#enter('drained');
    this.#logger.info({ exitCode: this.#exitCode }, 'drained');
  }

  #noteFailedStop({ name: service }: Service, error: unknown): void {
    if (error instanceof DrainCutShort) {
      this.#logger.error({ service, left: error.left }, `drain cut short: ${error.message}`);
      return;
    }
    this.#logger.error({ err: error, service }, 'stop failed');
  }

  async #fail(what: string, error: unknown): Promise<void> {
    if (this.#state === 'drained') return;
    this.#exitCode ||= exitCodeOf(error) ?? EXIT.failure;
    this.#logger.fatal({ err: error }, what);
    await this.drain(what);
  }

  #enter(state: LifecycleState): void {
    if (!NEXT[this.#state].includes(state)) {
      throw new Error(`lifecycle cannot go from ${this.#state} to ${state}`);
    }
    this.#state = state;
    this.#onState(state);
  }
}
