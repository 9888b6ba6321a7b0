import { benchReprocess, type ReprocessReport } from '@adtally/bench';
import {
  command,
  EXIT,
  formatTable,
  JSON_OPTION,
  option,
  printJson,
  say,
  wholeNumber,
} from '@adtally/command-line';
import { micros, onStack } from './on-stack.ts';

const LETTERS_MIN = 1_000;
const LETTERS_MAX = 5_000_000;

export const reprocess = command({
  description: 'Exit code 0 only when what was measured was also counted exactly.',
  options: {
    letters: option(wholeNumber(LETTERS_MIN, LETTERS_MAX), 'how many', { default: 100_000 }),
    ...JSON_OPTION,
  },
  run: async ({ options: { letters, json } }) => {
    const report = await onStack((addresses, kafka, onProgress, signal) =>
      benchReprocess(addresses, kafka, { letters, onProgress, signal }),
    );
    for (const problem of report.problems) say(problem);
    if (json) printJson(report);
    else process.stdout.write(`${reprocessText(report)}\n`);
    return report.exact ? EXIT.success : EXIT.failure;
  },
});

function reprocessText(report: ReprocessReport): string {
  const { cpu_us_per_letter: cpu } = report;
  const rows = [
    ['letters', `${report.letters}`, `${report.curable} of them curable`],
    ['copied', `${report.copied_per_second}`, 'letters/s'],
    ['retried', `${report.retried_per_second}`, 'letters/s'],
    ['CPU, reprocessor', micros(cpu.reprocessor), 'us a letter, copying included'],
    ['CPU, PostgreSQL', micros(cpu.postgres), ''],
    ['exact', report.exact ? 'yes' : 'NO', ''],
  ];
  return formatTable(rows, new Set([1]));
}
