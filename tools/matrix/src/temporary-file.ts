import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** @returns the path of a file with this text, which is gone with the stack */
export function temporaryFile(name: string, text: string, stack: AsyncDisposableStack): string {
  const folder = mkdtempSync(join(tmpdir(), 'adtally-matrix-'));
  stack.defer(() => rmSync(folder, { recursive: true }));
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}
