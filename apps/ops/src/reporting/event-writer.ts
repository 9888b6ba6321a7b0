import type { FigureEvent } from '@adtally/analytics';
import { formatTable, jsonText } from '@adtally/command-line';
import {
  EVENT_CSV_HEADER,
  EVENT_HEADER,
  EVENT_RIGHT_ALIGNED,
  eventCells,
  eventCsv,
  eventJson,
} from './event-lines.ts';
import { writeOut } from './write-out.ts';

/** How events are written, some at a time, so that as many as there are need no memory. */
export interface EventWriter {
  /** Returns whether anybody still reads. */
  readonly write: (events: readonly FigureEvent[]) => Promise<boolean>;
  /** Ends what was begun; `rest` is what JSON tells beside the events. */
  readonly end: (rest: object) => Promise<void>;
}

export type EventFormat = 'text' | 'csv' | 'json';

export function eventWriter(format: EventFormat): EventWriter {
  switch (format) {
    case 'text':
      return textWriter();
    case 'csv':
      return csvWriter();
    case 'json':
      return jsonWriter();
    default:
      return format satisfies never;
  }
}

function textWriter(): EventWriter {
  let header: readonly string[][] = [EVENT_HEADER];
  return {
    async write(events) {
      const text = formatTable([...header, ...events.map(eventCells)], EVENT_RIGHT_ALIGNED);
      header = [];
      return await writeOut(`${text}\n`);
    },
    end: async () => {},
  };
}

function csvWriter(): EventWriter {
  let header = EVENT_CSV_HEADER;
  return {
    async write(events) {
      const text = `${header}${events.map(eventCsv).join('')}`;
      header = '';
      return await writeOut(text);
    },
    async end() {
      if (header !== '') await writeOut(header);
    },
  };
}

/** One object in one line, as `--json` means it, written in parts. */
function jsonWriter(): EventWriter {
  let before = '{"events":[';
  return {
    async write(events) {
      const text = events.map((event) => jsonText(eventJson(event))).join(',');
      const written = await writeOut(`${before}${text}`);
      before = ',';
      return written;
    },
    async end(rest) {
      const opened = before === ',' ? '' : before;
      await writeOut(`${opened}],${jsonText(rest).slice(1)}\n`);
    },
  };
}
