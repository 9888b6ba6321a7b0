import type { BatchColumn, EventBatch } from './batch.ts';
import { CONTRACT, type Contract } from './contract.ts';
import type { AdEvent } from './event.ts';
import { timeText } from './time.ts';
import { uuidText } from './uuid.ts';

/**
 * The event of a row whose verdict is `event`, as a plain object: for tests and the console. Ids come in
 * canonical lower case, times in UTC with six fraction digits; transport facts are not kept in a batch.
 */
export function readEvent(batch: EventBatch, row: number, contract: Contract = CONTRACT): AdEvent {
  const type = batch.typeOf(row);
  const event: Record<string, string | bigint> = { event_type: type };
  for (const { field, columnIndex } of contract.byType[type]) {
    const column = batch.columns[columnIndex];
    if (column !== undefined && column.present[row] === 1)
      event[field.name] = readValue(batch, column, row);
  }
  return event as unknown as AdEvent;
}

function readValue(batch: EventBatch, column: BatchColumn, row: number): string | bigint {
  switch (column.kind) {
    case 'uuid':
      return uuidText(column.bytes, row * 16);
    case 'time':
      return timeText(column.int64[row] as bigint);
    case 'micros':
      return column.int64[row] as bigint;
    case 'text': {
      const start = column.start[row] as number;
      return batch.arena.toString('utf8', start, start + (column.length[row] as number));
    }
    default:
      return column.kind satisfies never;
  }
}
