import { KAFKA } from './kafka.ts';
import { NODE } from './node.ts';
import { POSTGRES } from './postgres.ts';
import { REDIS, VALKEY } from './redis.ts';
import type { Subject } from './subject.ts';
import { TOGETHER } from './together.ts';

/** By their name on the command line. */
export const SUBJECTS = {
  kafka: KAFKA,
  postgres: POSTGRES,
  redis: REDIS,
  valkey: VALKEY,
  together: TOGETHER,
  node: NODE,
} as const satisfies Readonly<Record<string, Subject>>;

export type SubjectName = keyof typeof SUBJECTS;
