import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { localFolder } from '@adtally/local-stack';

/** What one demo made, remembered so that a later one can take it away, and nothing else. */
export interface DemoRecord {
  /** The process that runs it. */
  readonly pid: number;
  readonly kafkaBrokers: string;
  /** The stack's database as `databaseAddress` names it; the demo's lies beside it. */
  readonly stackDatabase: string;
  readonly database: string;
  readonly topics: readonly string[];
}

export const demoStateFile = join(localFolder, 'demo.json');
/** Records of servers that are not there any more do not pile up. */
const RECORDS_MAX = 20;

/** Oldest first. An unreadable file counts as "nothing is remembered". */
export function parseDemoRecords(text: string): DemoRecord[] {
  try {
    const json: unknown = JSON.parse(text);
    return Array.isArray(json) ? json.filter(isRecord) : [];
  } catch {
    return [];
  }
}

export function readDemoRecords(path = demoStateFile): DemoRecord[] {
  try {
    return parseDemoRecords(readFileSync(path, 'utf8'));
  } catch {
    return [];
  }
}

/** Replaces the file in one step, so that a reader never sees half of it. */
export function writeDemoRecords(records: readonly DemoRecord[], path = demoStateFile): void {
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, `${JSON.stringify(records.slice(-RECORDS_MAX), null, 2)}\n`);
  renameSync(temporary, path);
}

/** Host, port and name of a database: names it without user and password. */
export function databaseAddress(databaseUrl: string): string {
  if (!URL.canParse(databaseUrl)) return '';
  const { host, pathname } = new URL(databaseUrl);
  return `${host}${pathname}`;
}

function isRecord(value: unknown): value is DemoRecord {
  if (typeof value !== 'object' || value === null) return false;
  const { pid, kafkaBrokers, stackDatabase, database, topics } = value as Record<string, unknown>;
  return (
    Number.isSafeInteger(pid) &&
    typeof kafkaBrokers === 'string' &&
    typeof stackDatabase === 'string' &&
    typeof database === 'string' &&
    isDemoName(database, '_') &&
    Array.isArray(topics) &&
    topics.every((topic) => typeof topic === 'string' && isDemoName(topic, '-'))
  );
}

/** Whatever the file says: only what bears a demo's name is ever removed. */
function isDemoName(name: string, separator: string): boolean {
  return name.startsWith(`adtally${separator}demo${separator}`);
}
