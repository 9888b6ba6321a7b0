import type { ChaosResult } from './chaos.ts';
import type { PlannedWindow } from './plan.ts';

/** A plan for people: a line each window. */
export function planText(plan: readonly PlannedWindow[]): string {
  return plan
    .map((window, index) => {
      const faults = window.map(
        ({ name, target, atSeconds, forSeconds }) =>
          `${name}${target === '' ? '' : ` ${target}`} (${atSeconds} s, for ${forSeconds} s)`,
      );
      return `${String(index + 1).padStart(3)}  ${faults.join(', ')}`;
    })
    .join('\n');
}

/** How a run ended, in a few lines. */
export function chaosText(result: ChaosResult): string {
  const { faults, windows, audits, verdict, problems, tookSeconds } = result;
  const proved = faults.filter(({ evidence }) => evidence !== null);
  const kinds = new Set(proved.map(({ name }) => name)).size;
  const recoveries = recoverySeconds(result);
  const loads = windows.map((window) => window.loadPerCore);
  const { start, faults: breaking, count } = tookSeconds;
  return [
    `${proved.length} of ${result.plan.flat().length} faults of ${kinds} kinds happened, in ${windows.length} windows`,
    `recovered  ${recoveries.median.toFixed(1)} s after the last repair in the median, ${recoveries.most.toFixed(1)} s at most`,
    `audits     ${audits} balanced meanwhile`,
    `books      ${verdict?.books ?? 'not compared'}`,
    `audit      ${verdict?.audit ?? 'not made'}`,
    `recount    ${verdict?.recount ?? 'not made'}`,
    `took       ${start.toFixed(0)} s to start, ${breaking.toFixed(0)} s of faults and recoveries, ${count.toFixed(0)} s to drain and count anew`,
    `load       ${Math.min(...loads).toFixed(1)} to ${Math.max(...loads).toFixed(1)} a core (average of a minute, at the end of each window)`,
    ...problems.map((problem) => `PROBLEM    ${problem}`),
    problems.length === 0 ? 'Nothing lost, nothing doubled, nothing unexplained.' : 'FAILED',
  ].join('\n');
}

/**
 * The report on a run in Markdown.
 *
 * @param made with which command, of which commit, when
 */
export function chaosMarkdown(result: ChaosResult, made: Made): string {
  const rows = result.faults.map(
    ({ window, name, target, what, atSeconds, forSeconds, evidence }) => [
      String(window),
      target === '' ? name : `${name} (${target})`,
      what,
      `${atSeconds} s`,
      `${forSeconds} s`,
      evidence ?? '**none**',
    ],
  );
  const columns = ['window', 'fault', 'what was done', 'after', 'for', 'evidence'];
  const recovered = result.windows.map(
    ({ recoveredSeconds }, index) =>
      `${index + 1}: ${recoveredSeconds?.toFixed(1) ?? '**never**'} s`,
  );
  return [
    '# Chaos',
    '',
    `Written by \`${made.command}\` on ${made.day}, commit ${made.commit}.`,
    `${result.consumers} consumers, reprocessor, alerter and backfill-runner under ${result.rate} records/s, with three brokers`,
    '(replication 3, `min.insync.replicas` 2), PostgreSQL and Redis on one machine. In each window faults overlap; then all is',
    'healed and must be well again by itself: ready, nothing stands still, nothing waits. The command repeats the plan.',
    '',
    '```',
    chaosText(result),
    '```',
    '',
    `Seconds from the last repair of a window until all was well: ${recovered.join(', ')}.`,
    '',
    ...[columns, columns.map(() => '---'), ...rows].map(
      (row) => `| ${row.map(cell).join(' | ')} |`,
    ),
    '',
  ].join('\n');
}

export interface Made {
  readonly command: string;
  /** RFC 3339, the day. */
  readonly day: string;
  readonly commit: string;
}

function recoverySeconds({ windows }: ChaosResult): { median: number; most: number } {
  const sorted = windows
    .map(({ recoveredSeconds }) => recoveredSeconds ?? Infinity)
    .toSorted((a, b) => a - b);
  return { median: sorted[Math.floor(sorted.length / 2)] ?? 0, most: sorted.at(-1) ?? 0 };
}

function cell(text: string): string {
  return text.replaceAll('|', ' ').replaceAll('\n', ' ');
}
