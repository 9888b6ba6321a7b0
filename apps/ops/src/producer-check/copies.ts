import { readEvent, type AdEvent, type EventBatch } from '@adtally/event-schema';

/** Events of the sample that came more than once, by their identity. */
export class Copies {
  duplicates = 0;
  conflicts = 0;
  /** By field: in how many conflicts it differs. */
  readonly conflictFields = new Map<string, number>();
  /** By identity, as text: objects of a large sample take several times as much. */
  readonly #first = new Map<string, string>();

  /** Takes the event of a row whose verdict is `event`. */
  add(batch: EventBatch, row: number): void {
    const key = batch.eventKey.toString('latin1', row * 16, row * 16 + 16);
    const text = textOf(readEvent(batch, row));
    const first = this.#first.get(key);
    if (first === undefined) this.#first.set(key, text);
    else if (first === text) this.duplicates += 1;
    else {
      this.conflicts += 1;
      for (const name of differingFields(first, text))
        this.conflictFields.set(name, (this.conflictFields.get(name) ?? 0) + 1);
    }
  }
}

/** The same for the same payload: fields come in the contract's order. */
function textOf(event: AdEvent): string {
  return JSON.stringify(event, (_, value: unknown) =>
    typeof value === 'bigint' ? String(value) : value,
  );
}

function differingFields(...texts: readonly [string, string]): string[] {
  const [before, after] = texts.map((text) => new Map(Object.entries(JSON.parse(text) as object)));
  const names = new Set([...(before?.keys() ?? []), ...(after?.keys() ?? [])]);
  return [...names].filter((name) => before?.get(name) !== after?.get(name));
}
