import { KAFKA } from './kafka.ts';
import { POSTGRES } from './postgres.ts';
import type { Subject } from './subject.ts';

/** By their name on the command line. */
export const SUBJECTS = { kafka: KAFKA, postgres: POSTGRES } as const satisfies Readonly<
  Record<string, Subject>
>;

export type SubjectName = keyof typeof SUBJECTS;
