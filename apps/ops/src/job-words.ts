import { jsonInteger } from '@adtally/db';
import { type RedriveJob } from '@adtally/letters';
import { count, span } from './words.ts';

/** Longer than this without letting letters in although it should: nobody carries the job out. */
const STALLED_SECONDS = 10;

/** Letters of a job that are not settled. */
export function remaining(job: RedriveJob): number {
  return job.waiting + job.trying + job.failed;
}

/** Seconds until the last letter has its turn by the job's rate; `null` where it does not run. */
export function etaSeconds(job: RedriveJob): number | null {
  return job.state === 'running' ? job.waiting / job.ratePerSecond : null;
}

export function isStalled(job: RedriveJob): boolean {
  return job.behindSeconds > STALLED_SECONDS;
}

export const STALLED_HINT = 'no dlq-reprocessor lets letters in: is one running?';

/** A job as JSON. */
export function jobJson(job: RedriveJob): Record<string, unknown> {
  return {
    job: jsonInteger(job.jobId),
    state: job.state,
    actor: job.actor,
    reason: job.reason,
    filter: job.filter,
    rate: job.ratePerSecond,
    letters: job.total,
    remaining: remaining(job),
    waiting: job.waiting,
    trying: job.trying,
    outcomes: {
      stored: job.stored,
      duplicate: job.duplicate,
      conflict: job.conflict,
      failed: job.failed,
      dead: job.dead,
      skipped: job.skipped,
    },
    eta_seconds: etaSeconds(job),
    stalled: isStalled(job),
    created_at: job.createdAt,
    finished_at: job.finishedAt,
  };
}

/** A job in one line. */
export function jobLine(job: RedriveJob): string {
  const settled = job.total - remaining(job);
  const percent = job.total === 0 ? 100 : Math.floor((settled / job.total) * 100);
  const outcomes = [
    ['stored', job.stored],
    ['duplicate', job.duplicate],
    ['conflict', job.conflict],
    ['failed', job.failed],
    ['dead', job.dead],
    ['skipped', job.skipped],
  ] as const;
  const eta = etaSeconds(job);
  return [
    `job ${job.jobId} ${job.state}: ${count(settled)} of ${count(job.total)} (${percent} %)`,
    ...outcomes
      .filter(([, number]) => number > 0)
      .map(([name, number]) => `${name} ${count(number)}`),
    ...(eta !== null && eta > 0 ? [`ETA ${span(eta)}`] : []),
    ...(isStalled(job) ? [STALLED_HINT] : []),
  ].join(', ');
}
