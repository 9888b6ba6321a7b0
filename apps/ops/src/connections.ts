import type { ConnectionCheck } from '@adtally/command-line';
import { databaseCheck } from '@adtally/db';
import type { OpsConfig } from './env.ts';

/** The servers of this app, as `--check-connections` tries them; `check-producer` says of brokers what it meets. */
export function connections({ databaseUrl }: OpsConfig): ConnectionCheck[] {
  return [databaseCheck(databaseUrl)];
}
