import {
  command,
  EXIT,
  id,
  JSON_OPTION,
  operand,
  printJson,
  say,
  type Command,
} from '@adtally/command-line';
import { orderJob, redriveJob, type JobOrder } from '@adtally/letters';
import { jobJson, jobLine } from '../job-words.ts';
import { onDatabase, type OpsEnvironment } from '../on-database.ts';
import { operatorOf, SIGNATURE_OPTIONS } from '../order-options.ts';

/** `redrive pause|resume|cancel <job>`. */
export function jobOrder(order: JobOrder): Command<OpsEnvironment> {
  return command({
    operands: { job: operand(id('job'), 'which job') },
    options: { ...SIGNATURE_OPTIONS, ...JSON_OPTION },
    run: async ({ operands, options: { json, ...signature } }, environment: OpsEnvironment) =>
      await onDatabase(environment, async ({ db, config }) => {
        const jobId = operands.job;
        const ordered = await orderJob(db, operatorOf(signature, config), jobId, order);
        switch (ordered.outcome) {
          case 'unknown-job':
            if (json) printJson({ executed: false, outcome: ordered.outcome });
            say(`there is no job ${jobId}`);
            return EXIT.refused;
          case 'wrong-state':
            if (json) printJson({ executed: false, ...ordered });
            say(`job ${jobId} is ${ordered.state}: it cannot be told to ${order}`);
            return EXIT.refused;
          case 'done': {
            const job = await redriveJob(db, jobId);
            if (job === undefined) throw new Error(`job ${jobId} is gone`);
            if (json) printJson({ executed: true, ...jobJson(job) });
            else process.stdout.write(`${jobLine(job)}\n`);
            return EXIT.success;
          }
          default:
            return ordered satisfies never;
        }
      }),
  });
}
