import {
  KnownSources,
  registerTopic,
  type Database,
  type RegisteredPartition,
  type RegisterTopicRequest,
} from '@adtally/db';
import type { KafkaAdmin } from '@adtally/kafka';
import type { Logger } from '@adtally/telemetry';
import { genesisOffsets, startAtText, type StartAt } from './start-at.ts';
import { tellIgnoredRules } from './tell-ignored-rules.ts';
import { WaitingError } from './wait-reason.ts';

/** `rules` and `share` are of events only. */
export interface RegistrationOptions extends Pick<RegisterTopicRequest, 'rules' | 'share'> {
  readonly kind: 'events' | 'dlq';
  readonly topic: string;
  readonly startAt: StartAt;
}

export interface RegistrationParts {
  /** Of its own: a request that no broker answers holds up those behind it. */
  readonly admin: KafkaAdmin;
  readonly db: Database;
  readonly log: Logger;
}

/** A topic as the broker describes it, and its sources. */
export interface Registration {
  readonly topicId: string;
  /** By partition; null = nobody leads it. */
  readonly leaders: ReadonlyMap<number, number | null>;
  readonly sources: ReadonlyMap<number, RegisteredPartition>;
}

/** Finds out which topic it is, and where its sources stand: by one statement once they are made. */
export class TopicRegistration {
  readonly #parts: RegistrationParts;
  readonly #options: RegistrationOptions;
  /** Under way: whoever asks meanwhile gets the same. */
  #reading: Promise<Registration> | null = null;
  #hasBegun = false;
  /** Whether it was said which rules of this process are not the topic's. */
  #hasToldRules = false;

  constructor(parts: RegistrationParts, options: RegistrationOptions) {
    this.#parts = parts;
    this.#options = options;
  }

  /** Begins ahead of the first claim, so that it finds the topic registered; what keeps it is told by the claims it keeps. */
  beginOnce(): void {
    if (this.#hasBegun) return;
    this.read().catch(() => undefined);
  }

  /** Where the topic's sources stand now, made where they are not there yet. */
  read(): Promise<Registration> {
    this.#hasBegun = true;
    this.#reading ??= this.#register().finally(() => (this.#reading = null));
    return this.#reading;
  }

  async #register(): Promise<Registration> {
    const { admin, db, log } = this.#parts;
    const { topic, startAt } = this.#options;
    const [described, known] = await Promise.all([
      admin.describeTopic(topic),
      KnownSources.read(db, this.#options),
    ]);
    if (described === null) {
      throw new WaitingError({ code: 'topic_missing', detail: `topic ${topic} does not exist` });
    }
    const { topicId } = described;
    const partitions = described.partitions.length;
    let genesis: Map<number, number> | null = null;
    const registered =
      known.of({ ...this.#options, topicId, partitions }) ??
      (await registerTopic(db, {
        ...this.#options,
        topicId,
        partitions,
        genesis: async (partition) => {
          const all = described.partitions.map((one) => one.partition);
          genesis ??= await genesisOffsets(admin, topic, all, startAt);
          return BigInt(genesis.get(partition) ?? 0);
        },
      }));
    this.#tellIgnoredRules();
    for (const { partition, nextOffset } of registered.filter(({ isNew }) => isNew)) {
      log.info(
        { topic, partition, offset: nextOffset, startAt: startAtText(startAt) },
        'counting begins here',
      );
    }
    return {
      topicId,
      leaders: new Map(described.partitions.map((one) => [one.partition, one.leader])),
      sources: new Map(registered.map((source) => [source.partition, source])),
    };
  }

  /** Beside the claims, which need not wait for it; once. */
  #tellIgnoredRules(): void {
    const { db, log } = this.#parts;
    const { topic, rules } = this.#options;
    if (rules === undefined || this.#hasToldRules) return;
    this.#hasToldRules = true;
    tellIgnoredRules(db, topic, rules, log).catch((error: unknown) => {
      this.#hasToldRules = false;
      log.debug({ err: error }, 'the rules of the topic could not be read');
    });
  }
}
