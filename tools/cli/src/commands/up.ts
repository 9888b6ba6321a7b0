import { ensureStack } from '@adtally/local-stack';
import { command, EXIT, formatTable, JSON_OPTION, printJson, say } from '@adtally/command-line';
import { maskUrl } from '@adtally/config';

export const up = command({
  description:
    'Prints the three addresses; a server named in the environment is used as it is, its password is not shown.',
  options: JSON_OPTION,
  run: async ({ options }) => {
    const started = performance.now();
    const { kafkaBrokers, databaseUrl, redisUrl } = await ensureStack();
    const addresses = {
      kafka_brokers: kafkaBrokers,
      database_url: maskUrl(databaseUrl),
      redis_url: maskUrl(redisUrl),
    };
    if (options.json) {
      printJson({ ...addresses, seconds: Math.round(performance.now() - started) / 1000 });
      return EXIT.success;
    }
    const rows = Object.entries(addresses).map(([name, url]) => [name.toUpperCase(), url]);
    process.stdout.write(`${formatTable(rows)}\n`);
    say(
      'the stack is up; next: ./dev demo, ./dev test, ./dev run ingest-consumer; end it: ./dev down',
    );
    return EXIT.success;
  },
});
