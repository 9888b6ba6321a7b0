import { benchRollup, type RollupReport } from '@adtally/bench';
import {
  command,
  EXIT,
  formatTable,
  JSON_OPTION,
  option,
  printJson,
  wholeNumber,
} from '@adtally/command-line';
import { onStack } from './on-stack.ts';

/** Fewer are no cohort. */
const EVENTS_MIN = 100_000;
const EVENTS_MAX = 20_000_000;

export const rollup = command({
  description: `Bases, late events, recompute, the note on the hot path; beside a run with a tenth of the events.
Exit code 0 only when what was measured was also counted exactly.`,
  options: {
    events: option(wholeNumber(EVENTS_MIN, EVENTS_MAX), 'how many', { default: 10_000_000 }),
    ...JSON_OPTION,
  },
  run: async ({ options: { events, json } }) => {
    const report = await onStack((addresses, kafka, onProgress) =>
      benchRollup(addresses, kafka, { events, onProgress }),
    );
    if (json) printJson(report);
    else process.stdout.write(`${rollupText(report)}\n`);
    return report.exact ? EXIT.success : EXIT.failure;
  },
});

/** The report for people. */
function rollupText(report: RollupReport): string {
  const { note } = report;
  return formatTable(
    [
      ['events', `${report.events}`, ''],
      ['base', `${report.base_us_per_event}`, 'us of PostgreSQL CPU an event'],
      [
        'late',
        `${report.late_us_per_impression}`,
        `us a late impression (${report.late_share} an event)`,
      ],
      ['cores', `${report.cores_at_50000_per_second}`, 'at 50,000 events/s'],
      [
        'recompute',
        `${report.recompute_rows_per_second}`,
        `rows/s; CPU of an event ${report.recompute_flatness} of the run with a tenth`,
      ],
      [
        'note',
        `${note.ratio_median}`,
        `times the CPU of a write (${note.ratio_min} to ${note.ratio_max})`,
      ],
      ['exact', report.exact ? 'yes' : 'NO', ''],
    ],
    new Set([1]),
  );
}
