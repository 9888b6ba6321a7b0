import { join } from 'node:path';
import type { CampaignTotalsRow } from '@adtally/analytics';
import { runOps, runOpsForPeople } from './run-ops.ts';

/** A campaign's statement, as the operator's command drew it up. */
export interface DemoStatement {
  readonly file: string;
  /** For people. */
  readonly text: string;
  /** What its verification found; none where it is verified. */
  readonly differences: readonly string[];
}

/** Draws up the statement of the campaign that was billed most, for the month, and verifies it. @throws DemoError */
export async function drawUpStatement(
  campaigns: readonly CampaignTotalsRow[],
  logFolder: string,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<DemoStatement> {
  const [most] = campaigns.toSorted((a, b) => (a.spend_micros < b.spend_micros ? 1 : -1));
  const file = join(logFolder, 'statement.json');
  const month = new Date().toISOString().slice(0, 'yyyy-mm'.length);
  const asked = ['--campaign', most?.campaign_id ?? '', '--month', month, '--out', file];
  const text = await runOpsForPeople(['statement', ...asked], env, signal);
  const { differences } = await runOps(['statement', 'verify', file], env, signal);
  return { file, text, differences: differences as string[] };
}
