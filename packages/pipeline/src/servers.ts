import { databaseFailure } from '@adtally/db';
import { kafkaFailure } from '@adtally/kafka';
import { ServerStanding, untilItAnswers } from '@adtally/service';
import type { Logger } from '@adtally/telemetry';

export interface ServersOptions {
  readonly refusedMaxMs: number;
  readonly log: Logger;
  /** A process that waits is alive. */
  readonly beat: () => void;
}

/** How a process that reads a topic into the database stands with both servers, and with its group. */
export class Servers {
  readonly postgres: ServerStanding;
  readonly kafka: ServerStanding;
  /** A member's place in its group: brokers may answer and not let it in. */
  readonly group: ServerStanding;
  readonly #beat: () => void;

  constructor({ refusedMaxMs, log, beat }: ServersOptions) {
    this.postgres = new ServerStanding({ title: 'PostgreSQL', refusedMaxMs, log });
    this.kafka = new ServerStanding({ title: 'Kafka', refusedMaxMs, log });
    this.group = new ServerStanding({ title: 'the consumer group', refusedMaxMs, log });
    this.#beat = beat;
  }

  get all(): readonly ServerStanding[] {
    return [this.postgres, this.kafka, this.group];
  }

  /** Attempts something at the database until it does it. @throws ServerUnusable, Abandoned */
  async atDatabase<T>(attempt: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const options = { classify: databaseFailure, beat: this.#beat, signal };
    return await untilItAnswers(this.postgres, attempt, options);
  }

  /** Attempts something at the brokers until they do it. @throws ServerUnusable, Abandoned */
  async atBrokers<T>(attempt: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const options = { classify: kafkaFailure, beat: this.#beat, signal };
    return await untilItAnswers(this.kafka, attempt, options);
  }
}
