import { formatTable, parseCommand, printJson, say, wholeNumberOf } from '@adtally/command-line';
import { listRedriveJobs, redriveJob, type RedriveJob } from '@adtally/letters';
import { EXIT } from '../exit-codes.ts';
import { followJob } from '../follow-job.ts';
import { jobJson, jobLine, remaining } from '../job-words.ts';
import { oneId } from '../options.ts';
import type { Command } from '../context.ts';
import { count, printable } from '../words.ts';

const LIMIT_MAX = 1_000;

/** `redrive jobs`: all jobs, newest first. */
export const jobs: Command = (args) => {
  const { values } = parseCommand(args, {
    json: { type: 'boolean', default: false },
    limit: { type: 'string', default: '20' },
  });
  const limit = wholeNumberOf('limit', values.limit, 1, LIMIT_MAX);
  return async ({ db }) => {
    const found = await listRedriveJobs(db, { limit });
    if (values.json) printJson({ jobs: found.map(jobJson) });
    else if (found.length === 0) say('no redrive was ordered yet');
    else process.stdout.write(`${jobsText(found)}\n`);
    return EXIT.ok;
  };
};

/** `redrive status <job>`: how one job stands; `--wait` follows it. */
export const status: Command = (args) => {
  const { values, positionals } = parseCommand(
    args,
    { json: { type: 'boolean', default: false }, wait: { type: 'boolean', default: false } },
    true,
  );
  const jobId = oneId('job', positionals);
  return async ({ db }) => {
    if (values.wait) return await followJob(db, jobId, values.json);
    const job = await redriveJob(db, jobId);
    if (job === undefined) {
      if (values.json) printJson({ found: false });
      say(`there is no job ${jobId}`);
      return EXIT.refused;
    }
    if (values.json) printJson(jobJson(job));
    else process.stdout.write(`${jobLine(job)}\n`);
    return EXIT.ok;
  };
};

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
