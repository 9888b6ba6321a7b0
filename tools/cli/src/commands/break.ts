import { mkdtempSync, writeFileSync } from 'node:fs';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  breakingRun,
  type KindResult,
  KINDS,
  newestResults,
  recordResult,
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
import { currentCommit } from '../current-commit.ts';

const SECONDS = 60;
const JOBS_MAX = 8;

export const breakThings = command({
  description: `On servers of its own: three Kafka brokers, PostgreSQL, Redis, and all services as processes under a small load. Each
kind is broken for a while and repaired; told are the seconds until it was visible, named and healed, and whether the
count was exact. Exit code 0 only where every fault was proved, visible, named and healed in time. Not part of any
check: a kind takes one and a half to three minutes. Results are recorded as they come: a run that was stopped, or kinds
that are run again, go on with the same file of results.`,
  options: {
    kinds: option(text('A,B'), `which: ${KINDS.map(({ name }) => name).join(', ')}`, {
      default: '',
    }),
    seconds: option(wholeNumber(5, 3_600), 'how long each stays broken', { default: SECONDS }),
    jobs: option(wholeNumber(1, JOBS_MAX), 'how many at a time, each on servers of its own', {
      default: 1,
    }),
    results: option(text('FILE'), 'where to add the results, one JSON line each', { default: '' }),
    markdown: option(text('FILE'), 'where to write the table of all recorded results', {
      default: '',
    }),
    logs: option(text('FOLDER'), 'where to keep what the services log', { default: '' }),
    ...JSON_OPTION,
  },
  run: async ({ options: { kinds, seconds, jobs, results: file, markdown, logs, json } }) => {
    const chosen = kinds.split(',').filter((name) => name !== '');
    const unknown = chosen.filter((name) => !KINDS.some((kind) => kind.name === name));
    if (unknown.length > 0) throw new UsageError(`there is no kind ${unknown.join(', ')}`);
    const record =
      file === '' ? join(mkdtempSync(join(tmpdir(), 'adtally-break-')), 'results') : file;
    const commit = currentCommit();
    const onResult = (result: KindResult): void => {
      if (!json) process.stdout.write(`${resultText(result)}\n`);
      const [lastMinute = 0] = loadavg();
      const loadPerCore = lastMinute / availableParallelism();
      recordResult(record, {
        ...result,
        commit,
        at: new Date().toISOString(),
        seconds,
        loadPerCore,
      });
      if (markdown === '') return;
      const written = `./dev break --seconds ${seconds}${jobs > 1 ? ` --jobs ${jobs}` : ''} --results FILE --markdown FILE`;
      writeFileSync(markdown, resultsMarkdown(newestResults(record), written));
    };
    // What runs is ended when this process exits, and a signal alone would not run those last words.
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => process.exit(EXIT.failure));
    }
    const results = await breakingRun({
      kinds: chosen,
      seconds,
      jobs,
      logs: logs === '' ? undefined : logs,
      say,
      onResult,
    });
    if (json) printJson({ seconds, results });
    const isGood = results.every(({ problems }) => problems.length === 0);
    // Clients that were cut off leave requests that never end, and Node waits for them before it goes.
    process.exit(isGood ? EXIT.success : EXIT.failure);
  },
});
