import type { StillLeads } from '@adtally/db';
import type { ArchiveStore } from './store.ts';

/** A store that is changed only by the process that leads. */
export class LedStore implements ArchiveStore {
  readonly #store: ArchiveStore;
  readonly #stillLeads: StillLeads;

  constructor(store: ArchiveStore, stillLeads: StillLeads) {
    this.#store = store;
    this.#stillLeads = stillLeads;
  }

  get address(): string {
    return this.#store.address;
  }

  async list(prefix: string): Promise<string[]> {
    return await this.#store.list(prefix);
  }

  async putFile(name: string, file: string): Promise<void> {
    await this.#stillLeads();
    await this.#store.putFile(name, file);
  }

  async putText(name: string, text: string): Promise<void> {
    await this.#stillLeads();
    await this.#store.putText(name, text);
  }

  async readText(name: string): Promise<string | undefined> {
    return await this.#store.readText(name);
  }

  async localFile(name: string, folder: string): Promise<string | undefined> {
    return await this.#store.localFile(name, folder);
  }

  async remove(name: string): Promise<void> {
    await this.#stillLeads();
    await this.#store.remove(name);
  }
}
