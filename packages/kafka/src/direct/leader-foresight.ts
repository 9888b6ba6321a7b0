import type { Brokers, TopicView } from './brokers.ts';

/**
 * Finds the leaders of partitions that are about to be read, and connects to them: their first fetch then waits for neither,
 * which a deployment's pause is made of.
 */
export class LeaderForesight {
  readonly #brokers: Brokers;
  readonly #topic: string;
  #view: TopicView | null = null;

  constructor(brokers: Brokers, topic: string) {
    this.#brokers = brokers;
    this.#topic = topic;
  }

  /**
   * Without partitions it is only found out who leads. Never rejects: what fails is met again, and told, once they are
   * read.
   *
   * @param known what the reader itself has found out since
   */
  async expect(partitions: readonly number[], known: TopicView | null): Promise<void> {
    try {
      const view = known ?? (this.#view ??= await this.#brokers.describe(this.#topic));
      const leaders = partitions.map((partition) => view?.leaders.get(partition)?.nodeId ?? -1);
      const connecting = [...new Set(leaders)].filter((nodeId) => nodeId >= 0);
      await Promise.all(connecting.map((nodeId) => this.#brokers.to(nodeId)));
    } catch {
      // As said above.
    }
  }
}
