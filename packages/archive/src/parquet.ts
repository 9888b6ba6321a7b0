import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import {
  type ArchivedColumn,
  copiedValues,
  lineAgainOf,
  lineTypes,
  NULL_TEXT,
  parsedValues,
} from './columns.ts';
import { type FigureGroup, groupsQuery } from './figures.ts';

/** What DuckDB may hold; beside it come its code and the buffers of a row group. */
const MEMORY_LIMIT = '256MB';
/** Rows that are compressed, and can be skipped by a reader, together. */
const ROW_GROUP_ROWS = 122_880;

/** Text without any quoting; all values are spelt so that none needs it. */
const PLAIN_LINES = `delim '\t', quote '', escape '', nullstr '${NULL_TEXT}', header false`;

/** Makes and reads Parquet files. One at a time; close it with `using`. */
export class Parquet {
  readonly #instance: DuckDBInstance;
  readonly #connection: DuckDBConnection;

  private constructor(instance: DuckDBInstance, connection: DuckDBConnection) {
    this.#instance = instance;
    this.#connection = connection;
  }

  /** @param folder what it cannot hold in memory goes here */
  static async open(folder: string): Promise<Parquet> {
    const { DuckDBInstance: Instance } = await import('@duckdb/node-api');
    // One thread: others of the process, and of the machine, have work that hurries.
    const instance = await Instance.create(':memory:', {
      memory_limit: MEMORY_LIMIT,
      threads: '1',
      temp_directory: folder,
      autoinstall_known_extensions: 'false',
    });
    const connection = await instance.connect();
    await connection.run("SET TimeZone = 'UTC'");
    return new Parquet(instance, connection);
  }

  /** Writes lines as a Parquet file, in their order. */
  async write(lines: string, file: string, columns: readonly ArchivedColumn[]): Promise<void> {
    await this.#connection.run(
      `COPY (
         SELECT ${parsedValues(columns)}
         FROM read_csv(${quoted(lines)}, auto_detect = false, columns = ${lineTypes(columns)},
                       delim = '\t', quote = '', escape = '', nullstr = '${NULL_TEXT}', header = false,
                       parallel = false)
       ) TO ${quoted(file)} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE ${ROW_GROUP_ROWS})`,
    );
  }

  /** @throws Error where it is no such file */
  async groups(file: string, columns: readonly ArchivedColumn[]): Promise<FigureGroup[]> {
    const query = groupsQuery(
      `read_parquet(${quoted(file)})`,
      lineAgainOf(columns),
      (text) => `sha256(${text})`,
      (hex) => `('0x' || left(${hex}, 16))::UBIGINT`,
      'VARCHAR',
    );
    const reader = await this.#connection.runAndReadAll(query);
    return reader.getRowObjectsJS() as unknown as FigureGroup[];
  }

  /** Writes the rows of a Parquet file as text for PostgreSQL's COPY, in its order. */
  async unpack(file: string, copied: string, columns: readonly ArchivedColumn[]): Promise<void> {
    await this.#connection.run(
      `COPY (SELECT ${copiedValues(columns)} FROM read_parquet(${quoted(file)}))
       TO ${quoted(copied)} (FORMAT csv, ${PLAIN_LINES})`,
    );
  }

  [Symbol.dispose](): void {
    this.#connection.closeSync();
    this.#instance.closeSync();
  }
}

export async function sha256Of(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}

function quoted(path: string): string {
  return `'${path.replaceAll("'", "''")}'`;
}
