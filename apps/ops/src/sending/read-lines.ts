import { createReadStream } from 'node:fs';
import { stdin } from 'node:process';
import { createInterface } from 'node:readline';
import { CommandError, EXIT } from '@adtally/command-line';

/** An event as it was given, and how people find it again. */
export interface GivenEvent {
  /** The argument's or the line's number, from 1. */
  readonly place: number;
  readonly value: Buffer;
}

/** @param words one event each */
export function* eventsOfWords(words: readonly string[]): Generator<GivenEvent> {
  for (const [index, word] of words.entries()) yield { place: index + 1, value: Buffer.from(word) };
}

/**
 * An event a line, blank ones passed over. Read no faster than it is taken.
 *
 * @param path a file; undefined for standard input
 * @throws CommandError where it cannot be read
 */
export async function* eventsOfLines(path: string | undefined): AsyncGenerator<GivenEvent> {
  const input = path === undefined ? stdin : createReadStream(path);
  let place = 0;
  try {
    for await (const line of createInterface({ input, crlfDelay: Infinity })) {
      place += 1;
      if (line.trim() !== '') yield { place, value: Buffer.from(line) };
    }
  } catch (error) {
    const what = path ?? 'standard input';
    const message = `${what} cannot be read: ${(error as Error).message}`;
    throw new CommandError(message, { exitCode: EXIT.usage, cause: error });
  }
}
