import { int, wholeNumbers } from '@adtally/config';

/** What a record is judged by: the same in every app, else a retry or a replay would judge otherwise. */
export const RECORD_ENV = {
  recordMaxBytes: int('RECORD_MAX_BYTES', { default: 65_536, min: 1_024, max: 16_777_216 }),
  jsonMaxDepth: int('JSON_MAX_DEPTH', { default: 32, min: 1, max: 1_000 }),
  readAsNewest: wholeNumbers('SCHEMA_VERSIONS_READ_AS_NEWEST', { max: 1_000_000 }),
} as const;
