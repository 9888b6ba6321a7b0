import { ensureStack } from '@adtally/local-stack';

import { parseCommand } from '../args.ts';
import { formatTable, printJson, say } from '../output.ts';

/** Starts what is not running yet and prints the three addresses. */
export async function run(args: string[]): Promise<number> {
  const { values } = parseCommand(args, { json: { type: 'boolean', default: false } });
  const started = performance.now();
  const { kafkaBrokers, databaseUrl, redisUrl } = await ensureStack();
  const addresses = {
    kafka_brokers: kafkaBrokers,
    database_url: databaseUrl,
    redis_url: redisUrl,
  };
  if (values.json) {
    printJson({ ...addresses, seconds: Math.round(performance.now() - started) / 1000 });
    return 0;
  }
  const rows = Object.entries(addresses).map(([name, url]) => [name.toUpperCase(), url]);
  process.stdout.write(`${formatTable(rows)}\n`);
  say(
    'the stack is up; next: ./dev demo, ./dev test, ./dev run ingest-consumer; end it: ./dev down',
  );
  return 0;
}
