import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';

const LINE_END = 0x0a;

/**
 * Cuts a stream of lines into files of about so many bytes, each of whole lines. The stream is read no further while
 * `take` works on a file, and the file is removed after that: there is one at a time.
 */
export async function inParts(
  lines: AsyncIterable<Buffer>,
  folder: string,
  partBytes: number,
  take: (file: string) => Promise<void>,
): Promise<void> {
  const chunks = lines[Symbol.asyncIterator]();
  let rest: Buffer | undefined;
  for (let part = 0; ; part += 1) {
    let written = 0;
    const file = join(folder, `lines-${part}`);
    async function* onePart(): AsyncGenerator<Buffer> {
      for (;;) {
        const chunk = rest ?? (await next(chunks));
        rest = undefined;
        if (chunk === undefined) return;
        const end = cutAt(chunk, partBytes - written);
        written += end ?? chunk.length;
        if (end === undefined) {
          yield chunk;
          continue;
        }
        if (end < chunk.length) rest = chunk.subarray(end);
        yield chunk.subarray(0, end);
        return;
      }
    }
    await pipeline(onePart(), createWriteStream(file));
    if (written > 0) await take(file);
    await rm(file);
    if (written === 0) return;
  }
}

/** Where a part ends that has room for so many bytes: behind a line, one at least. Undefined: not in this chunk. */
function cutAt(chunk: Buffer, room: number): number | undefined {
  if (chunk.length < room) return undefined;
  const last = room > 0 ? chunk.lastIndexOf(LINE_END, room - 1) : -1;
  const end = last === -1 ? chunk.indexOf(LINE_END) : last;
  return end === -1 ? undefined : end + 1;
}

async function next(chunks: AsyncIterator<Buffer>): Promise<Buffer | undefined> {
  const { done, value } = await chunks.next();
  return done === true ? undefined : value;
}
