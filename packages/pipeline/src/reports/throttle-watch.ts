import type { Throttle, Throttling } from '@adtally/kafka';
import { RecurringTask, RepeatedWords } from '@adtally/pacing';
import type { Logger } from '@adtally/telemetry';
import type { Beside } from '../loop-service.ts';
import type { LoopMetrics } from '../metrics.ts';
import type { HoldUps } from './hold-ups.ts';

/** The clients of ours that a quota may hold back: what reads, and what writes dead letters. */
export interface ThrottledClients {
  readonly consumer: Throttling;
  readonly producer: Throttling;
}

export interface ThrottleWatchParts {
  readonly holdUps: HoldUps;
  readonly metrics: Pick<LoopMetrics, 'throttledSeconds'>;
  readonly log: Logger;
}

const LOOK_EVERY_MS = 1_000;
const LOG_PACE = { firstPauseMs: 15_000, lastPauseMs: 600_000 };

type Client = keyof ThrottledClients;

/**
 * Says that a quota of the broker holds our clients back, for as long as it does: in a metric, as the reason of
 * what stands still, and in the log with growing pauses. Decides nothing: what is throttled goes on at the quota's
 * pace.
 */
export class ThrottleWatch implements Beside {
  readonly #parts: ThrottleWatchParts;
  readonly #clients: ThrottledClients;
  /** By client that is throttled. */
  readonly #lines = new RepeatedWords<Client>(LOG_PACE);
  readonly #looking: RecurringTask;

  constructor(parts: ThrottleWatchParts, clients: ThrottledClients) {
    this.#parts = parts;
    this.#clients = clients;
    this.#looking = new RecurringTask({
      everyMs: LOOK_EVERY_MS,
      run: async () => this.#end(),
      onError: (error) => parts.log.debug({ err: error }, 'throttles could not be looked at'),
    });
  }

  start(): void {
    this.#clients.consumer.tell((throttle) => this.#note('consumer', throttle));
    this.#clients.producer.tell((throttle) => this.#note('producer', throttle));
    this.#looking.start();
  }

  async stop(): Promise<void> {
    await this.#looking.stop();
  }

  #note(client: Client, { forMs, broker }: Throttle): void {
    const { holdUps, metrics, log } = this.#parts;
    metrics.throttledSeconds.add(forMs / 1_000, { client });
    const detail = `a quota of broker ${broker} throttles the ${client}, for ${forMs} ms now`;
    holdUps.note(`throttled ${client}`, { code: 'throttled', detail });
    if (!this.#lines.isDue(client, 'throttled', performance.now())) return;
    log.warn({ client, broker, throttledMs: forMs }, 'throttled by a quota of the broker');
  }

  #end(): void {
    const { holdUps, log } = this.#parts;
    for (const client of this.#lines.keys) {
      if (this.#clients[client].isOn) continue;
      this.#lines.end(client);
      holdUps.end(`throttled ${client}`);
      log.info({ client }, 'throttled no longer');
    }
  }
}
