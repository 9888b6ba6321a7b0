import { withDatabaseName } from '@adtally/db';
import { parseCommand, wholeNumber } from '../args.ts';
import { hasSources } from '../demo/inspected-database.ts';
import { demoJson, demoText, problemsOf } from '../demo/report.ts';
import { runDemo } from '../demo/run-demo.ts';
import { printJson } from '../output.ts';
import { requireDatabaseUrl } from '../stack.ts';

const DEFAULT_EVENTS = '300000';
const DEFAULT_SEED = '1';
/** Fewer leave no middle in which two consumers are behind. */
const EVENTS_MIN = 1_000;
const EVENTS_MAX = 1_000_000_000;

/**
 * Runs the whole pipeline on a database and topics of its own, kills a consumer half way, and prints
 * expected against actual. Exit code 0 only when every line is equal and the audit balances.
 */
export async function run(args: string[]): Promise<number> {
  const { values } = parseCommand(args, {
    events: { type: 'string', default: DEFAULT_EVENTS },
    seed: { type: 'string', default: DEFAULT_SEED },
    json: { type: 'boolean', default: false },
  });
  const options = {
    events: wholeNumber('events', values.events, EVENTS_MIN, EVENTS_MAX),
    seed: wholeNumber('seed', values.seed, 0, Number.MAX_SAFE_INTEGER),
  };
  try {
    const result = await runDemo(options);
    if (values.json) printJson(demoJson(result));
    else process.stdout.write(`${demoText(result, await nextStep(result.database))}\n`);
    return problemsOf(result).length === 0 ? 0 : 1;
  } catch (error) {
    if (values.json) {
      printJson({ exact: false, error: error instanceof Error ? error.message : String(error) });
    }
    throw error;
  }
}

/** What to try next. `./dev audit` takes the demo's database only while the stack's own has no counts. */
async function nextStep(database: string): Promise<string> {
  const url = requireDatabaseUrl();
  const audit = (await hasSources(url))
    ? `DATABASE_URL=${withoutPassword(withDatabaseName(url, database))} ./dev audit`
    : './dev audit';
  return `Next: ${audit}, or ./dev demo --events 2000000 --seed 7, or ./dev test`;
}

function withoutPassword(url: string): string {
  const shown = new URL(url);
  if (shown.password !== '') shown.password = '***';
  return shown.href;
}
