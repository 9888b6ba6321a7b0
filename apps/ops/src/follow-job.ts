import { setTimeout as sleep } from 'node:timers/promises';
import { EXIT, printJson, progressLine, say, stderrTarget } from '@adtally/command-line';
import { type Database, type RedriveJobState } from '@adtally/db';
import { redriveJob } from '@adtally/letters';
import { jobJson, jobLine } from './job-words.ts';

/** Whether nothing more becomes of a job in that state. */
const IS_OVER: Readonly<Record<RedriveJobState, boolean>> = {
  running: false,
  paused: false,
  cancelled: true,
  done: true,
};
const LOOK_EVERY_MS = 500;
const SPARSE_LINE_MS = 10_000;

/** Follows a job until it is over and prints how it stands then. Ending this changes nothing for the job. */
export async function followJob(db: Database, jobId: string, json: boolean): Promise<number> {
  const progress = progressLine(stderrTarget(), () => performance.now(), SPARSE_LINE_MS);
  for (;;) {
    const job = await redriveJob(db, jobId);
    if (job === undefined) {
      progress.finish();
      if (json) printJson({ found: false });
      say(`there is no job ${jobId}`);
      return EXIT.refused;
    }
    if (IS_OVER[job.state]) {
      progress.finish();
      if (json) printJson(jobJson(job));
      else process.stdout.write(`${jobLine(job)}\n`);
      const isClean = job.state === 'done' && job.dead + job.failed === 0;
      return isClean ? EXIT.success : EXIT.incomplete;
    }
    progress.update(jobLine(job));
    await sleep(LOOK_EVERY_MS);
  }
}
