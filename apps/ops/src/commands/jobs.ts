import {
  command,
  EXIT,
  flag,
  formatTable,
  id,
  JSON_OPTION,
  operand,
  option,
  printJson,
  say,
  wholeNumber,
} from '@adtally/command-line';
import { listRedriveJobs, redriveJob, type RedriveJob } from '@adtally/letters';
import { followJob } from '../follow-job.ts';
import { jobJson, jobLine, remaining } from '../job-words.ts';
import { onDatabase, type OpsEnvironment } from '../on-database.ts';
import { count, printable } from '../words.ts';

const LIMIT_MAX = 1_000;

export const jobs = command({
  options: {
    limit: option(wholeNumber(1, LIMIT_MAX), 'how many', { default: 20 }),
    ...JSON_OPTION,
  },
  run: async ({ options: { limit, json } }, environment: OpsEnvironment) =>
    await onDatabase(environment, async ({ db }) => {
      const found = await listRedriveJobs(db, { limit });
      if (json) printJson({ jobs: found.map(jobJson) });
      else if (found.length === 0) say('no redrive was ordered yet');
      else process.stdout.write(`${jobsText(found)}\n`);
      return EXIT.success;
    }),
});

export const status = command({
  operands: { job: operand(id('job'), 'which job') },
  options: { wait: flag('follow it until it is over'), ...JSON_OPTION },
  run: async ({ operands, options: { wait, json } }, environment: OpsEnvironment) =>
    await onDatabase(environment, async ({ db }) => {
      if (wait) return await followJob(db, operands.job, json);
      const job = await redriveJob(db, operands.job);
      if (job === undefined) {
        if (json) printJson({ found: false });
        say(`there is no job ${operands.job}`);
        return EXIT.refused;
      }
      if (json) printJson(jobJson(job));
      else process.stdout.write(`${jobLine(job)}\n`);
      return EXIT.success;
    }),
});

function jobsText(found: readonly RedriveJob[]): string {
  const rows = found.map((job) => [
    String(job.jobId),
    job.state,
    count(job.total),
    count(remaining(job)),
    count(job.stored + job.duplicate + job.conflict),
    count(job.dead),
    count(job.skipped),
    `${job.ratePerSecond}/s`,
    job.createdAt.toISOString(),
    printable(job.actor),
    printable(job.reason),
  ]);
  const header = [
    'JOB',
    'STATE',
    'LETTERS',
    'REMAINING',
    'RESOLVED',
    'DEAD',
    'SKIPPED',
    'RATE',
    'CREATED',
    'ACTOR',
    'REASON',
  ];
  return formatTable([header, ...rows], new Set([0, 2, 3, 4, 5, 6, 7]));
}
