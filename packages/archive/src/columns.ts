import { WRITTEN_COLUMNS } from '@adtally/db';

/** A column of `events` as an archive keeps it. */
export interface ArchivedColumn {
  readonly name: string;
  /** PostgreSQL's. */
  readonly type: ColumnType;
}

export const COLUMN_TYPES = ['bigint', 'int', 'event_type', 'uuid', 'timestamptz', 'text'] as const;
export type ColumnType = (typeof COLUMN_TYPES)[number];

/**
 * How a value of a type travels. Between PostgreSQL and DuckDB it does so as a *line*: one text of ASCII without tabs
 * and line ends, spelt alike by both, so that both can also hash it. Each entry takes the name of a column.
 */
interface Travel {
  /** PostgreSQL's expression for the value on a line. */
  readonly line: (column: string) => string;
  /** DuckDB's type of what stands on a line, and what it becomes in the file. */
  readonly lineType: string;
  readonly parse: (column: string) => string;
  /** DuckDB's expression for the same line, from the file. */
  readonly lineAgain: (column: string) => string;
  /** DuckDB's expression for the value in the text format of COPY, in which tabs and line ends are escaped. */
  readonly copied: (column: string) => string;
}

const asIs: Omit<Travel, 'lineType'> = {
  line: (column) => `${column}::text`,
  parse: (column) => column,
  lineAgain: (column) => `${column}::VARCHAR`,
  copied: (column) => `${column}::VARCHAR`,
};

const TRAVELS: Readonly<Record<ColumnType, Travel>> = {
  bigint: { ...asIs, lineType: 'BIGINT' },
  int: { ...asIs, lineType: 'INTEGER' },
  event_type: { ...asIs, lineType: 'VARCHAR' },
  // A text in the file: Spark refuses Parquet's own UUID (ADR 38).
  uuid: { ...asIs, lineType: 'VARCHAR' },
  timestamptz: {
    line: (column) => `((extract(epoch FROM ${column}) * 1000000)::bigint)::text`,
    lineType: 'BIGINT',
    parse: (column) => `make_timestamptz(${column})`,
    lineAgain: (column) => `epoch_us(${column})::VARCHAR`,
    copied: (column) => `strftime(${column} AT TIME ZONE 'UTC', '%Y-%m-%d %H:%M:%S.%f+00')`,
  },
  text: {
    line: (column) => `encode(convert_to(${column}, 'UTF8'), 'hex')`,
    lineType: 'VARCHAR',
    parse: (column) => `decode(unhex(${column}))`,
    lineAgain: (column) => `lower(hex(${column}))`,
    copied: (column) =>
      [
        [92, `chr(92) || chr(92)`],
        [9, `chr(92) || 't'`],
        [10, `chr(92) || 'n'`],
        [13, `chr(92) || 'r'`],
      ].reduce((text, [code, escaped]) => `replace(${text}, chr(${code}), ${escaped})`, column),
  },
};

/** What is archived of an event by this build; an archive names the columns it was written with. */
export const ARCHIVED_COLUMNS: readonly ArchivedColumn[] = WRITTEN_COLUMNS.map(
  ({ name, type }) => ({ name, type: type as ColumnType }),
);

/** A null on a line and in COPY. No value looks like it: a backslash in a text is doubled, or hex. */
export const NULL_TEXT = String.raw`\N`;

const listOf = (columns: readonly ArchivedColumn[], of: (column: ArchivedColumn) => string) =>
  columns.map(of).join(', ');

export const columnNames = (columns: readonly ArchivedColumn[]): string =>
  listOf(columns, ({ name }) => name);

/** PostgreSQL: the values of a row as they stand on its line. */
export const lineValues = (columns: readonly ArchivedColumn[]): string =>
  listOf(columns, ({ name, type }) => TRAVELS[type].line(name));

/** PostgreSQL: the line of a row. */
export const lineOf = (columns: readonly ArchivedColumn[]): string =>
  `concat_ws(E'\\t', ${listOf(columns, ({ name, type }) => `coalesce(${TRAVELS[type].line(name)}, '${NULL_TEXT}')`)})`;

/** DuckDB: the line of a row of a file. */
export const lineAgainOf = (columns: readonly ArchivedColumn[]): string =>
  `concat_ws(chr(9), ${listOf(columns, ({ name, type }) => `coalesce(${TRAVELS[type].lineAgain(name)}, '${NULL_TEXT}')`)})`;

/** DuckDB: what a line's columns are. */
export const lineTypes = (columns: readonly ArchivedColumn[]): string =>
  `{${listOf(columns, ({ name, type }) => `'${name}': '${TRAVELS[type].lineType}'`)}}`;

/** DuckDB: a row of a file, from its line. */
export const parsedValues = (columns: readonly ArchivedColumn[]): string =>
  listOf(columns, ({ name, type }) => `${TRAVELS[type].parse(name)} AS ${name}`);

/** DuckDB: the values of a row for COPY. */
export const copiedValues = (columns: readonly ArchivedColumn[]): string =>
  listOf(columns, ({ name, type }) => `${TRAVELS[type].copied(name)} AS ${name}`);
