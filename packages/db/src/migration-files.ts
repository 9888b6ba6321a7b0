import { readdirSync } from 'node:fs';
import { readFile, readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

/** One file of migrations/: forward only, never edited once released. */
export interface MigrationFile {
  /** File name without extension, e.g. `0002_events`. */
  readonly name: string;
  /** The number it begins with. */
  readonly version: number;
  readonly statements: string;
  /** False where the file's first line is `--! no-transaction` (CREATE INDEX CONCURRENTLY, alone in its file). */
  readonly inTransaction: boolean;
}

// One level up both from src/ and from dist/.
const DIRECTORY = fileURLToPath(new URL('../migrations/', import.meta.url));
const FILE_NAME = /^(?<version>\d{4})_[a-z0-9_]+\.sql$/;
const NO_TRANSACTION = '--! no-transaction';

/** The number of the newest migration this build carries. */
export function newestMigrationVersion(): number {
  const versions = readdirSync(DIRECTORY).map((name) => FILE_NAME.exec(name)?.groups?.['version']);
  return Math.max(0, ...versions.map((version) => Number(version ?? 0)));
}

/** All migrations in order. Throws where a file is misnamed, or a number is missing or used twice. */
export async function readMigrationFiles(directory = DIRECTORY): Promise<MigrationFile[]> {
  const fileNames = (await readdir(directory)).filter((name) => name.endsWith('.sql')).toSorted();
  const files: MigrationFile[] = [];
  for (const fileName of fileNames) {
    const version = Number(FILE_NAME.exec(fileName)?.groups?.['version']);
    if (version !== files.length + 1) {
      throw new Error(
        `migrations/${fileName}: expected a name like ${String(files.length + 1).padStart(4, '0')}_words.sql`,
      );
    }
    files.push(await readMigrationFile(directory, fileName, version));
  }
  return files;
}

async function readMigrationFile(
  directory: string,
  fileName: string,
  version: number,
): Promise<MigrationFile> {
  const statements = await readFile(`${directory}/${fileName}`, 'utf8');
  const firstLine = statements.split('\n', 1)[0]?.trim() ?? '';
  if (firstLine.startsWith('--!') && firstLine !== NO_TRANSACTION) {
    throw new Error(`migrations/${fileName}: unknown header "${firstLine}"`);
  }
  return {
    name: fileName.slice(0, -'.sql'.length),
    version,
    statements,
    inTransaction: firstLine !== NO_TRANSACTION,
  };
}
