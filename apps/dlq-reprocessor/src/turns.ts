/** Lets one after another do what must not be done at once, in the order they ask. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  /** Does `work` once everything asked for before is over, however that ended. */
  take<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#last.then(work);
    this.#last = mine.catch(() => undefined);
    return mine;
  }
}
