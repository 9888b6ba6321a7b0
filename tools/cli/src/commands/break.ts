import { writeFileSync } from 'node:fs';
import {
  breakingRun,
  type KindResult,
  KINDS,
  resultsMarkdown,
  resultText,
} from '@adtally/breaking-run';
import {
  command,
  EXIT,
  JSON_OPTION,
  option,
  printJson,
  say,
  text,
  UsageError,
  wholeNumber,
} from '@adtally/command-line';

const SECONDS = 60;

export const breakThings = command({
  description: `On servers of its own: three Kafka brokers, PostgreSQL, Redis, and all services as processes under a small load. Each
kind is broken for a while and repaired; told are the seconds until it was visible, named and healed, and whether the
count was exact. Exit code 0 only where every fault was proved, visible, named and healed. Not part of any check:
a kind takes one and a half to three minutes.`,
  options: {
    kinds: option(text('A,B'), `which: ${KINDS.map(({ name }) => name).join(', ')}`, {
      default: '',
    }),
    seconds: option(wholeNumber(5, 3_600), 'how long each stays broken', { default: SECONDS }),
    markdown: option(text('FILE'), 'where to write the table', { default: '' }),
    ...JSON_OPTION,
  },
  run: async ({ options: { kinds, seconds, markdown, json } }) => {
    const chosen = kinds.split(',').filter((name) => name !== '');
    const unknown = chosen.filter((name) => !KINDS.some((kind) => kind.name === name));
    if (unknown.length > 0) throw new UsageError(`there is no kind ${unknown.join(', ')}`);
    const show = (result: KindResult): void => {
      if (!json) process.stdout.write(`${resultText(result)}\n`);
    };
    // What runs is ended when this process exits, and a signal alone would not run those last words.
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => process.exit(EXIT.failure));
    }
    const results = await breakingRun({ kinds: chosen, seconds, say, onResult: show });
    if (markdown !== '') writeFileSync(markdown, resultsMarkdown(results, factsOf(seconds)));
    if (json) printJson({ seconds, results });
    const isGood = results.every(({ problems }) => problems.length === 0);
    // Clients that were cut off leave requests that never end, and Node waits for them before it goes.
    process.exit(isGood ? EXIT.success : EXIT.failure);
  },
});

function factsOf(seconds: number): string[] {
  const day = new Date().toISOString().slice(0, 10);
  return [
    `Written by \`./dev break --seconds ${seconds} --markdown FILE\` on ${day}: one thing is broken at a time, for ${seconds} s, in a`,
    'fresh deployment of two consumers and one of each other service, under a load of 30 records/s, on one machine that',
    'runs three brokers, PostgreSQL and Redis besides. Seconds count from the break; "healed" from the repair. "Records',
    'waited" is read past the services. A fault that is survived within 15 s need not be told to anybody.',
  ];
}
