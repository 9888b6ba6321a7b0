import { relative } from 'node:path';
import { withDatabaseName } from '@adtally/db';
import {
  command,
  EXIT,
  flag,
  JSON_OPTION,
  option,
  printJson,
  wholeNumber,
} from '@adtally/command-line';
import { hasSources } from '../demo/inspected-database.ts';
import { demoJson, demoText, type DemoResult, problemsOf } from '../demo/report.ts';
import { runDemo } from '../demo/run-demo.ts';
import { requireDatabaseUrl } from '../stack.ts';

const DEFAULT_EVENTS = 300_000;
const DEFAULT_SEED = 1;
/** Fewer leave no middle in which two consumers are behind. */
const EVENTS_MIN = 1_000;
const EVENTS_MAX = 1_000_000_000;

export const demo = command({
  description: `On a database and topics of its own, which stay until the next demo; a consumer is killed half way.
Exit code 0 only when every line is equal and the audit balances.`,
  options: {
    events: option(wholeNumber(EVENTS_MIN, EVENTS_MAX), 'how many events', {
      default: DEFAULT_EVENTS,
    }),
    seed: option(wholeNumber(0, Number.MAX_SAFE_INTEGER), 'what the events are made from', {
      default: DEFAULT_SEED,
    }),
    recount: flag(
      'count the topic anew in Python, which shares no code with the rest, and compare',
    ),
    ...JSON_OPTION,
  },
  run: async ({ options }) => {
    try {
      const result = await runDemo(options);
      if (options.json) printJson(demoJson(result));
      else {
        const next = await nextStep(result.database);
        process.stdout.write(`${demoText(result, next, verification(result))}\n`);
      }
      return problemsOf(result).length === 0 ? EXIT.success : EXIT.failure;
    } catch (error) {
      if (options.json) {
        printJson({ exact: false, error: error instanceof Error ? error.message : String(error) });
      }
      throw error;
    }
  },
});

/** What to try next. `./dev audit` takes the demo's database only while the stack's own has no counts. */
async function nextStep(database: string): Promise<string> {
  const url = requireDatabaseUrl();
  const audit = (await hasSources(url))
    ? `DATABASE_URL=${withoutPassword(withDatabaseName(url, database))} ./dev audit`
    : './dev audit';
  return `Next: ${audit}, or ./dev demo --events 2000000 --seed 7, or ./dev test`;
}

/** How the demo's statement is verified, and recounted by a program that shares nothing with ours. */
function verification({ database, statement }: DemoResult): string {
  const url = withoutPassword(withDatabaseName(requireDatabaseUrl(), database));
  const file = relative(process.cwd(), statement.file);
  return `verify it: DATABASE_URL=${url} ./dev ops statement verify ${file}; so does ./dev recount statement ${file}`;
}

function withoutPassword(url: string): string {
  const shown = new URL(url);
  if (shown.password !== '') shown.password = '***';
  return shown.href;
}
