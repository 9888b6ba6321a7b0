import { randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { access, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ArchiveUnavailable } from '../errors.ts';
import type { ArchiveStore } from './store.ts';

/** Of files that are being written, and of whoever was killed at it: engines pass over names that begin so. */
const UNFINISHED = '_unfinished-';

/** An archive in a folder. */
export class FolderStore implements ArchiveStore {
  readonly address: string;
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
    this.address = `file://${folder}`;
  }

  async list(prefix: string): Promise<string[]> {
    return await this.#doing('reading', async () => {
      const found = await absentAs([], () =>
        readdir(this.#folder, { recursive: true, withFileTypes: true }),
      );
      return found
        .filter((entry) => entry.isFile() && !entry.name.startsWith(UNFINISHED))
        .map((entry) => relative(this.#folder, join(entry.parentPath, entry.name)))
        .filter((name) => name.startsWith(prefix))
        .toSorted();
    });
  }

  async putFile(name: string, file: string): Promise<void> {
    await this.#put(name, () => createReadStream(file));
  }

  async putText(name: string, text: string): Promise<void> {
    await this.#put(name, () => Readable.from([Buffer.from(text)]));
  }

  async readText(name: string): Promise<string | undefined> {
    return await this.#doing('reading', () =>
      absentAs(undefined, () => readFile(this.#pathOf(name), 'utf8')),
    );
  }

  async localFile(name: string): Promise<string | undefined> {
    const path = this.#pathOf(name);
    return await this.#doing('reading', () =>
      absentAs(undefined, async () => {
        await access(path);
        return path;
      }),
    );
  }

  async remove(name: string): Promise<void> {
    await this.#doing('removing from', () => rm(this.#pathOf(name), { force: true }));
  }

  async #put(name: string, read: () => Readable): Promise<void> {
    const path = this.#pathOf(name);
    const folder = dirname(path);
    const before = `${UNFINISHED}${basename(path)}-`;
    // A name of its own: whoever stood still at it and was overtaken goes on writing into a file that nobody reads.
    const unfinished = join(folder, `${before}${randomUUID()}`);
    await this.#doing('writing to', async () => {
      await mkdir(folder, { recursive: true });
      for (const left of await readdir(folder)) {
        if (left.startsWith(before)) await rm(join(folder, left), { force: true });
      }
      try {
        // Flushed before it gets its name: what it replaces is dropped from the database after that.
        await pipeline(read(), createWriteStream(unfinished, { flush: true }));
        await rename(unfinished, path);
      } catch (error) {
        await rm(unfinished, { force: true });
        throw error;
      }
      for (let above = folder; ; above = dirname(above)) {
        await flushFolder(above);
        if (above === this.#folder) break;
      }
    });
  }

  #pathOf(name: string): string {
    return join(this.#folder, name);
  }

  async #doing<T>(what: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw new ArchiveUnavailable(`${what} the archive ${this.address}`, error);
    }
  }
}

/** A new name lasts only once its folder is on the disk. */
async function flushFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function absentAs<T, A>(absent: A, work: () => Promise<T>): Promise<T | A> {
  try {
    return await work();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return absent;
    throw error;
  }
}
