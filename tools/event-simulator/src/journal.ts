import { once } from 'node:events';
import { createReadStream, createWriteStream, type WriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Mix, MalformedKind } from './mix.ts';
import type { PlannedTruth } from './planned-record.ts';
import { Books, type Outcome, type Truth } from './truth.ts';
import type { EventType } from '@adtally/event-schema';

/**
 * A journal is a text file of JSON lines, appended to as the broker answers: first the run, then every
 * attempted record in the order of producing, last the truth. A run that was killed lacks the last line;
 * what it has is still right, and what it lacks was never seen acknowledged.
 */
export interface JournalRun {
  readonly format: 'adtally-simulator-journal-1';
  readonly topic: string;
  readonly events: number;
  readonly seed: number;
  readonly partitions: number;
  /** RFC 3339. */
  readonly base_time: string;
  readonly mix: Mix;
}

interface Attempt {
  readonly outcome: Outcome;
  /** Where the record lies, or would. */
  readonly partition: number;
}

/** A valid event, or a copy of one. */
export interface JournalEvent extends Attempt {
  readonly event_type: EventType;
  readonly impression_id: string;
  /** Conversion: the click it claims. */
  readonly click_id: string | null;
  readonly conversion_id: string | null;
  /** Running number of the identity within the run. */
  readonly identity: number;
  /** Number of the payload within the identity. */
  readonly version: number;
  readonly amount_micros: string;
  readonly currency: string;
  readonly misrouted: boolean;
  readonly unknown_fields: number;
  readonly late: boolean;
}

export interface JournalRejection extends Attempt {
  readonly code: MalformedKind;
}

export type JournalRecord = JournalEvent | JournalRejection;

const FLUSH_CHARACTERS = 1 << 18;

/** Writes a journal; holds at most about 256 KiB of text before it waits for the disk. */
export class JournalWriter {
  readonly #file: WriteStream;
  #text: string;
  #failure: Error | null = null;

  /** Truncates the file. A write error is thrown by the next call. */
  constructor(path: string, run: JournalRun) {
    this.#file = createWriteStream(path);
    this.#file.on('error', (error) => (this.#failure = error));
    this.#text = `${JSON.stringify(run)}\n`;
  }

  async write(truth: PlannedTruth, outcome: Outcome, partition: number): Promise<void> {
    this.#text += `${lineOf(truth, outcome, partition)}\n`;
    if (this.#text.length >= FLUSH_CHARACTERS) await this.#flush();
  }

  /** Writes the truth and waits until the file is closed. */
  async finish(truth: Truth): Promise<void> {
    this.#text += `${JSON.stringify({ truth })}\n`;
    await this.#flush();
    this.#file.end();
    await once(this.#file, 'close');
  }

  async #flush(): Promise<void> {
    if (this.#failure !== null) throw this.#failure;
    const text = this.#text;
    this.#text = '';
    if (!this.#file.write(text)) await once(this.#file, 'drain');
  }
}

function lineOf(truth: PlannedTruth, outcome: Outcome, partition: number): string {
  const head = `{"outcome":"${outcome}","partition":${partition}`;
  if (truth.kind === 'rejected') return `${head},"code":"${truth.code}"}`;
  const { event, identity, version, misrouted, unknownFields, late } = truth;
  // All of it is printable ASCII of our own making: nothing needs escaping.
  return (
    `${head},"event_type":"${event.type}","impression_id":"${event.impressionId}"` +
    `,"click_id":${quoted(event.clickId)},"conversion_id":${quoted(event.conversionId)}` +
    `,"identity":${identity},"version":${version},"amount_micros":"${event.amount}"` +
    `,"currency":"${event.currency}","misrouted":${misrouted},"unknown_fields":${unknownFields}` +
    `,"late":${late}}`
  );
}

function quoted(text: string | null): string {
  return text === null ? 'null' : `"${text}"`;
}

/** Every attempted record of a journal in order; a last line cut off in the middle is left out. */
export async function* readJournal(path: string): AsyncGenerator<JournalRecord, void> {
  const lines = createInterface({ input: createReadStream(path), crlfDelay: Infinity });
  for await (const line of lines) {
    if (!line.endsWith('}')) return;
    const value = JSON.parse(line) as JournalRecord | JournalRun | { truth: Truth };
    if ('outcome' in value) yield value;
  }
}

/** The truth as the journal's records give it, counted again from the lines. */
export async function readTruth(path: string): Promise<Truth> {
  const books = new Books();
  for await (const record of readJournal(path)) {
    if ('code' in record) {
      books.enter({ kind: 'rejected', code: record.code }, record.outcome);
      continue;
    }
    const { event_type: type, amount_micros: amount, currency, identity, version } = record;
    const { misrouted, unknown_fields: unknownFields, late } = record;
    const event = { type, amount, currency };
    books.enter(
      { kind: 'event', identity, version, event, misrouted, unknownFields, late },
      record.outcome,
    );
  }
  return books.truth();
}
