import { join } from 'node:path';
import {
  choice,
  type Command,
  command,
  EXIT,
  JSON_OPTION,
  list,
  option,
  printJson,
  say,
  wholeNumber,
} from '@adtally/command-line';
import { repositoryRoot } from '@adtally/local-stack';
import { recordRow, runMatrix, SUBJECTS, type SubjectName } from '@adtally/matrix';

const EVENTS = 50_000;
const EVENTS_MIN = 1_000;
const EVENTS_MAX = 1_000_000_000;
const DOCUMENT = join(repositoryRoot, 'docs/matrix.md');

/** The command of one kind of server. */
export function matrixCommand(name: SubjectName): Command<void> {
  const subject = SUBJECTS[name];
  return command({
    description: `Runs ./dev demo with each version in each way of connecting and writes docs/matrix.md, where a line that is run
again takes the place of its former result. Exit code 0 only where every count was exact. Not part of any check.`,
    options: {
      versions: list(choice(subject.versions, 'VERSION'), 'these versions only'),
      ways: list(choice(subject.ways, 'WAY'), 'these ways only'),
      events: option(wholeNumber(EVENTS_MIN, EVENTS_MAX), 'of each demo', { default: EVENTS }),
      ...JSON_OPTION,
    },
    run: async ({ options: { versions, ways, events, json } }) => {
      const rows = await runMatrix({
        subject,
        versions: versions ?? subject.versions,
        ways: ways ?? subject.ways,
        events,
        report: say,
        onRow: (row) => {
          recordRow(DOCUMENT, row);
          const { server, way, exact, words } = row;
          if (!json)
            process.stdout.write(`${exact ? 'exact' : 'FAILED'} ${server}, ${way}: ${words}\n`);
        },
      });
      if (json) printJson({ rows });
      return rows.every(({ exact }) => exact) ? EXIT.success : EXIT.failure;
    },
  });
}
