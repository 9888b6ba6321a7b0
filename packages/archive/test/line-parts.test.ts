import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { expect, onTestFinished, test } from 'vitest';
import { inParts } from '../src/line-parts.ts';

const LINES = Array.from({ length: 200 }, (_, n) => `${'x'.repeat((n * 37) % 90)}${n}\n`).join('');

async function partsOf(text: string, chunkBytes: number, partBytes: number): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'adtally-parts-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const bytes = Buffer.from(text);
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += chunkBytes)
    chunks.push(bytes.subarray(at, at + chunkBytes));
  const parts: string[] = [];
  await inParts(Readable.from(chunks), folder, partBytes, async (file) => {
    expect(readdirSync(folder)).toHaveLength(1);
    parts.push(readFileSync(file, 'utf8'));
  });
  expect(readdirSync(folder)).toEqual([]);
  return parts;
}

test.each([1, 7, 64, 1_000, 100_000])(
  'lines in chunks of %i bytes are cut into whole lines',
  async (chunkBytes) => {
    for (const partBytes of [1, 50, 300, 2_000, 1_000_000]) {
      const parts = await partsOf(LINES, chunkBytes, partBytes);
      expect(parts.join('')).toBe(LINES);
      expect(parts.filter((part) => !part.endsWith('\n'))).toEqual([]);
      // It ends with the line in which it is full.
      const lastLineOf = (part: string) => part.lastIndexOf('\n', part.length - 2) + 1;
      expect(parts.filter((part) => lastLineOf(part) >= partBytes)).toEqual([]);
    }
  },
);

test('no lines make no part', async () => {
  expect(await partsOf('', 10, 10)).toEqual([]);
});
