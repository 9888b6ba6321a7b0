import { join } from 'node:path';
import {
  choice,
  command,
  CommandError,
  EXIT,
  JSON_OPTION,
  list,
  printJson,
  say,
} from '@adtally/command-line';
import { repositoryRoot } from '@adtally/local-stack';
import {
  EXAMPLE_NAMES,
  nameOf,
  placeKeys,
  recordRows,
  runExample,
  SUBJECTS,
  type Row,
} from '@adtally/producer-matrix';
import { serviceEnvironment } from '../stack.ts';

const DOCUMENT = join(repositoryRoot, 'docs/producers/README.md');
const EXAMPLE = EXAMPLE_NAMES.map((name) => `example/${name}`);
const ALL = [...SUBJECTS.map(nameOf), ...EXAMPLE];

/** Where clients place keys, and whether the examples are right: run against the stack's broker. */
export const matrixProducers = command({
  description: `Builds each client with its own toolchain (a first run takes a quarter of an hour), lets it place 200 keys, and writes
the table of docs/producers/README.md, where a line that is run again takes the place of its former result; then runs the
examples beside it. What cannot be built here is said to be not run. Needs a broker: KAFKA_BROKERS or ./dev up. Exit
code 0 only where all was run and every example is right. Not part of any check.`,
  options: { only: list(choice(ALL, 'NAME'), 'these alone, as java/java-uuid'), ...JSON_OPTION },
  run: async ({ options: { only, json } }) => {
    const brokers = serviceEnvironment()['KAFKA_BROKERS'];
    if (brokers === undefined)
      throw new CommandError(
        'no broker: set KAFKA_BROKERS, or start the local stack with ./dev up',
        {
          exitCode: EXIT.unavailable,
        },
      );
    const isWanted = (name: string) =>
      only === undefined || (only as readonly string[]).includes(name);
    const rows: Row[] = [];
    for (const subject of SUBJECTS) {
      if (!isWanted(nameOf(subject))) continue;
      const placed = await placeKeys(brokers, subject).catch(reasonOf);
      const row = { subject, placed };
      rows.push(row);
      recordRows(DOCUMENT, [row], new Date().toISOString().slice(0, 10));
      say(`${nameOf(subject)}: ${typeof placed === 'string' ? placed : JSON.stringify(placed)}`);
    }
    const wrongExamples: string[] = [];
    for (const name of EXAMPLE_NAMES) {
      if (!isWanted(`example/${name}`)) continue;
      const problem = await runExample(brokers, name).then(() => null, reasonOf);
      say(`example/${name}: ${problem ?? 'right'}`);
      if (problem !== null) wrongExamples.push(name);
    }
    if (json) printJson({ rows: rows.map(rowJson), wrong_examples: wrongExamples });
    const notRun = rows.filter(({ placed }) => typeof placed === 'string');
    return notRun.length + wrongExamples.length === 0 ? EXIT.success : EXIT.failure;
  },
});

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function rowJson({ subject, placed }: Row): object {
  const result = typeof placed === 'string' ? { not_run: placed } : placed;
  return { name: nameOf(subject), ...result };
}
