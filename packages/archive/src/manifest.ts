import { createHash } from 'node:crypto';
import { jsonText } from '@adtally/command-line';
import { type Static, type TProperties, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { COLUMN_TYPES } from './columns.ts';
import { ArchiveDamaged } from './errors.ts';
import type { DayFigures } from './figures.ts';

/** The form of a manifest. Another form gets another number; an old one stays readable as what it says it is. */
export const MANIFEST_SCHEMA = 'adtally.archive/1';
/** Its name within a day's folder. */
export const MANIFEST_NAME = '_manifest.json';

const Count = Type.String({ pattern: '^(0|[1-9][0-9]{0,18})$' });
const Integer = Type.String({ pattern: '^(0|-?[1-9][0-9]{0,37})$' });
const Text = Type.String();

/** Nothing beside what is declared: nobody would verify it. */
const closed = <Members extends TProperties>(members: Members) =>
  Type.Object(members, { additionalProperties: false });

const Manifest = closed({
  schema: Type.Literal(MANIFEST_SCHEMA),
  day: Type.String({ pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' }),
  written_at: Text,
  /** Of the database's schema when it was written. */
  schema_version: Type.Integer(),
  columns: Type.Array(
    closed({
      name: Type.String({ pattern: '^[a-z][a-z0-9_]*$' }),
      type: Type.Enum([...COLUMN_TYPES]),
    }),
  ),
  events: Count,
  content: Type.String({ pattern: '^[0-9a-f]{16}$' }),
  money: Type.Array(closed({ currency: Text, event_type: Text, events: Count, micros: Integer })),
  sources: Type.Array(
    closed({
      source: Count,
      kind: Text,
      topic: Text,
      topic_id: Text,
      partition: Count,
      run: Text,
      events: Count,
      first_offset: Count,
      end_offset: Count,
      fingerprint: Integer,
    }),
  ),
  /** Beside the manifest; sorted by campaign and time, also from file to file. */
  files: Type.Array(
    closed({
      name: Type.String({ pattern: '^[a-z0-9-]+[.]parquet$' }),
      rows: Count,
      bytes: Count,
      sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }),
    }),
  ),
  /** SHA-256 of the manifest as it is written, without this line. */
  digest: Type.String({ pattern: '^[0-9a-f]{64}$' }),
});

export type Manifest = Static<typeof Manifest>;
export type ArchivedFile = Manifest['files'][number];

const isManifest = Compile(Manifest);

/** The text of a manifest, with its digest. */
export function sealed(content: Omit<Manifest, 'digest'>): string {
  return textOf({ ...content, digest: digestOf(content) });
}

/** @throws ArchiveDamaged where it is none of this build, or not what was written */
export function readManifest(text: string, name: string): Manifest {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw new ArchiveDamaged(`${name} is no JSON: ${(error as Error).message}`, { cause: error });
  }
  if (!isManifest.Check(parsed)) {
    const [first] = isManifest.Errors(parsed);
    throw new ArchiveDamaged(
      `${name} is no manifest that this build reads: ${first?.instancePath ?? ''} ${first?.message ?? ''}`,
    );
  }
  const { digest, ...content } = parsed;
  if (digestOf(content) !== digest || textOf(parsed) !== text)
    throw new ArchiveDamaged(`${name} is not as it was written: its digest does not fit`);
  return parsed;
}

/** What the manifest says of the events. */
export function statedFigures({ events, content, money, sources }: Manifest): DayFigures {
  return {
    events,
    content,
    money,
    sources: sources.map(({ source, events: count, first_offset, end_offset, fingerprint }) => ({
      source,
      events: count,
      first_offset,
      end_offset,
      fingerprint,
    })),
  };
}

function digestOf(content: Omit<Manifest, 'digest'>): string {
  return createHash('sha256').update(textOf(content)).digest('hex');
}

function textOf(value: object): string {
  return `${jsonText(value)}\n`;
}
