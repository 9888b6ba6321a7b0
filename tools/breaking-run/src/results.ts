import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import type { KindResult } from './kind.ts';
import { KINDS } from './kinds/index.ts';

/** A result with what it is of. */
export interface RecordedResult extends KindResult {
  /** Of the sources that ran. */
  readonly commit: string;
  /** RFC 3339, when it was there. */
  readonly at: string;
  /** How long it stayed broken. */
  readonly seconds: number;
  /** Load average of the machine over the last minute, divided by its cores. */
  readonly loadPerCore: number;
}

/** Appends one result to a file of JSON lines, so that a run that is stopped loses nothing. */
export function recordResult(file: string, result: RecordedResult): void {
  appendFileSync(file, `${JSON.stringify(result)}\n`);
}

/** The newest result of each kind that a file has, in the order of `KINDS`; none where there is no file. */
export function newestResults(file: string): RecordedResult[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean);
  const results = lines.map((line) => JSON.parse(line) as RecordedResult);
  const newest = new Map(results.map((result) => [result.name, result]));
  return KINDS.flatMap(({ name }) => newest.get(name) ?? []);
}
