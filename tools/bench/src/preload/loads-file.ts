import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Truth } from '@adtally/event-simulator';
import type { ProfileName } from './profiles.ts';

/** A topic that was filled for benches, and what is known of its records. */
export interface Load {
  readonly brokers: string;
  readonly topic: string;
  /** Kafka's own identity of the topic. */
  readonly topicId: string;
  readonly profile: ProfileName;
  readonly events: number;
  readonly seed: number;
  /** When it was filled, milliseconds since 1970. */
  readonly filledAtMs: number;
  /** End offset of each partition. */
  readonly ends: readonly number[];
  readonly truth: Truth;
}

const FORMAT_VERSION = 2;

/** Anything unreadable counts as "nothing was filled". */
export function readLoads(path: string): Load[] {
  try {
    const json = JSON.parse(readFileSync(path, 'utf8')) as { version?: unknown; loads?: unknown };
    return json.version === FORMAT_VERSION && Array.isArray(json.loads)
      ? (json.loads as Load[])
      : [];
  } catch {
    return [];
  }
}

/** Replaces the file in one step, so that a reader never sees half of it. */
export function writeLoads(path: string, loads: readonly Load[]): void {
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, `${JSON.stringify({ version: FORMAT_VERSION, loads })}\n`);
  renameSync(temporary, path);
}
