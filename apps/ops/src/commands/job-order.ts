import { parseCommand, printJson, say } from '@adtally/command-line';
import { orderJob, redriveJob, type JobOrder } from '@adtally/letters';
import { EXIT } from '../exit-codes.ts';
import { jobJson, jobLine } from '../job-words.ts';
import { oneId, operatorOf, readReason } from '../options.ts';
import type { Command } from '../context.ts';

/** `redrive pause|resume|cancel <job>`. */
export function jobOrder(order: JobOrder): Command {
  return (args) => {
    const { values, positionals } = parseCommand(
      args,
      {
        json: { type: 'boolean', default: false },
        reason: { type: 'string' },
        actor: { type: 'string' },
      },
      true,
    );
    const jobId = oneId('job', positionals);
    const signature = readReason(values);
    return async ({ db, config }) => {
      const ordered = await orderJob(db, operatorOf(signature, config), jobId, order);
      if (ordered.outcome === 'unknown-job') {
        if (values.json) printJson({ executed: false, outcome: ordered.outcome });
        say(`there is no job ${jobId}`);
        return EXIT.refused;
      }
      if (ordered.outcome === 'wrong-state') {
        if (values.json) printJson({ executed: false, ...ordered });
        say(`job ${jobId} is ${ordered.state}: it cannot be told to ${order}`);
        return EXIT.refused;
      }
      const job = await redriveJob(db, jobId);
      if (job === undefined) throw new Error(`job ${jobId} is gone`);
      if (values.json) printJson({ executed: true, ...jobJson(job) });
      else process.stdout.write(`${jobLine(job)}\n`);
      return EXIT.ok;
    };
  };
}
