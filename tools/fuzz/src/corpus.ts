import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Material } from './mutate.ts';
import type { FuzzTarget } from './target.ts';

const CORPUS = fileURLToPath(new URL('../corpus/', import.meta.url));

/** A target's own seeds, then the corpus in the order of its names. */
export function materialOf(target: FuzzTarget): Material {
  const kept = keptNames(target.name).map((name) => readFileSync(join(CORPUS, target.name, name)));
  return {
    seeds: [...target.seeds(), ...kept],
    words: target.dictionary.map((word) => Buffer.from(word)),
  };
}

/** Adds an input to a target's corpus, where none has this name. */
export function keepInCorpus(target: string, name: string, input: Buffer): void {
  if (keptNames(target).includes(name)) return;
  saveInput(join(CORPUS, target), name, input);
}

/** Writes an input into a folder, and says where. */
export function saveInput(folder: string, name: string, input: Buffer): string {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, name);
  writeFileSync(path, input);
  return path;
}

function keptNames(target: string): string[] {
  try {
    return readdirSync(join(CORPUS, target)).toSorted();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
