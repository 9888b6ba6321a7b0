import { BrokerFetcher, type FetchDuty } from './broker-fetcher.ts';
import type { Brokers } from './brokers.ts';

/** One fetcher and one connection for each broker that is read from, and none for any other. */
export class Fetchers {
  readonly #brokers: Brokers;
  readonly #duty: FetchDuty;
  readonly #byNode = new Map<number, BrokerFetcher>();
  /** Dismissed, with a request still under way. */
  readonly #ending = new Set<Promise<void>>();

  constructor(brokers: Brokers, duty: FetchDuty) {
    this.#brokers = brokers;
    this.#duty = duty;
  }

  get size(): number {
    return this.#byNode.size;
  }

  /** Has the broker read from. */
  ensure(nodeId: number): void {
    if (this.#byNode.has(nodeId)) return;
    this.#byNode.set(nodeId, new BrokerFetcher(nodeId, this.#brokers, this.#duty));
  }

  /** Has just these brokers read from, and hangs up on all others. */
  keep(nodeIds: ReadonlySet<number>): void {
    for (const nodeId of nodeIds) this.ensure(nodeId);
    for (const [nodeId, fetcher] of this.#byNode) {
      if (nodeIds.has(nodeId)) continue;
      this.#byNode.delete(nodeId);
      this.#brokers.hangUp(nodeId);
      this.#end(fetcher);
    }
  }

  /** There may be something to ask for that there was not before. */
  wake(): void {
    for (const fetcher of this.#byNode.values()) fetcher.wake();
  }

  /** Resolves once no request is under way; the brokers are closed before, which ends those. */
  async stop(): Promise<void> {
    for (const fetcher of this.#byNode.values()) this.#end(fetcher);
    this.#byNode.clear();
    await Promise.all(this.#ending);
  }

  #end(fetcher: BrokerFetcher): void {
    const ending = fetcher.stop().finally(() => this.#ending.delete(ending));
    this.#ending.add(ending);
  }
}
