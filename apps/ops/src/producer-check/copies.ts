import { readEvent, type AdEvent, type EventBatch } from '@adtally/event-schema';

/** Events of the sample that came more than once, by their identity. */
export class Copies {
  duplicates = 0;
  conflicts = 0;
  /** By field: in how many conflicts it differs. */
  readonly conflictFields = new Map<string, number>();
  readonly #first = new Map<string, AdEvent>();

  /** Takes the event of a row whose verdict is `event`. */
  add(batch: EventBatch, row: number): void {
    const key = batch.eventKey.toString('latin1', row * 16, row * 16 + 16);
    const event = readEvent(batch, row);
    const first = this.#first.get(key);
    if (first === undefined) {
      this.#first.set(key, event);
      return;
    }
    const differing = differingFields(first, event);
    if (differing.length === 0) this.duplicates += 1;
    else this.conflicts += 1;
    for (const name of differing)
      this.conflictFields.set(name, (this.conflictFields.get(name) ?? 0) + 1);
  }
}

function differingFields(one: AdEvent, other: AdEvent): string[] {
  const [before, after] = [new Map(Object.entries(one)), new Map(Object.entries(other))];
  const names = new Set([...before.keys(), ...after.keys()]);
  return [...names].filter((name) => before.get(name) !== after.get(name));
}
