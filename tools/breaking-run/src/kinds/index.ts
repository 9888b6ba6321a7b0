import type { Kind } from '../kind.ts';
import { BROKERS } from './brokers.ts';
import { DATABASE } from './database.ts';
import { LIMITS } from './limits.ts';
import { RECORDS } from './records.ts';
import { REDIS } from './redis.ts';
import { RIGHTS } from './rights.ts';
import { SERVICES } from './services.ts';
import { TOPICS } from './topics.ts';

/** Every way in which this run breaks things. */
export const KINDS: readonly Kind[] = [
  ...BROKERS,
  ...TOPICS,
  ...RECORDS,
  ...RIGHTS,
  ...DATABASE,
  ...LIMITS,
  ...REDIS,
  ...SERVICES,
];
