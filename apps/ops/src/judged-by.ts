import { toldReadingLimits, type Database, type ReadingLimits, type ToldLimits } from '@adtally/db';
import { DEFAULT_DECODE_LIMITS } from '@adtally/event-schema';
import { count, printable, span } from './words.ts';

/** By which limits a dry run judges the letters of a topic. */
export interface Judge {
  readonly topic: string;
  readonly limits: ReadingLimits;
  /** Null where no dlq-reprocessor ever told its limits: then they are the defaults. */
  readonly told: ToldLimits | null;
}

/** Told every 15 s: after so long none is running, or its database is another. */
const SILENT_SECONDS = 60;
const DEFAULT_LIMITS: ReadingLimits = { ...DEFAULT_DECODE_LIMITS, readAsNewest: new Set() };

export interface Judges {
  of(topic: string): Judge;
  /** No topic's records are read beyond so many bytes. */
  readonly maxValueBytes: number;
}

/** As the dlq-reprocessors have told their limits. */
export async function readJudges(db: Database): Promise<Judges> {
  const told = await toldReadingLimits(db);
  return {
    of: (topic) => {
      const one = told.find((limits) => limits.topic === topic) ?? null;
      return { topic, limits: one ?? DEFAULT_LIMITS, told: one };
    },
    maxValueBytes: Math.max(...[DEFAULT_LIMITS, ...told].map(({ maxValueBytes }) => maxValueBytes)),
  };
}

export function judgeJson({ topic, limits, told }: Judge): object {
  return {
    topic,
    record_max_bytes: limits.maxValueBytes,
    json_max_depth: limits.maxDepth,
    read_as_newest: [...limits.readAsNewest],
    told_by: told?.toldBy ?? null,
    told_version: told?.appVersion ?? null,
    told_seconds_ago: told === null ? null : Math.round(told.ageSeconds),
  };
}

/** One line; @param version of this build, whose checks they are */
export function judgeLine({ topic, limits, told }: Judge, version: string): string {
  const versions = [...limits.readAsNewest];
  const words = [
    `values up to ${count(limits.maxValueBytes)} bytes`,
    `depth ${limits.maxDepth}`,
    ...(versions.length > 0 ? [`versions ${versions.join(', ')} read as the newest`] : []),
  ].join(', ');
  const of = topic === '' ? 'letters of no topic' : printable(topic);
  if (told === null) {
    return `${of}: ${words}: defaults, since no dlq-reprocessor has ever told its own.`;
  }
  const isSilent = told.ageSeconds > SILENT_SECONDS;
  const who = `as the dlq-reprocessor ${printable(told.toldBy)} told ${span(told.ageSeconds)} ago`;
  return [
    `${of}: ${words}, ${who}.`,
    ...(isSilent ? ['None has been heard since: is one running?'] : []),
    ...(told.appVersion === version
      ? []
      : [`It is build ${printable(told.appVersion)}, and may judge otherwise.`]),
  ].join(' ');
}
