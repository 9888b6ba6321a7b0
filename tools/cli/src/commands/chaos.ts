import { writeFileSync } from 'node:fs';
import { chaos, chaosMarkdown, chaosText, FAULTS, planOf, planText } from '@adtally/chaos';
import {
  command,
  EXIT,
  flag,
  JSON_OPTION,
  option,
  printJson,
  say,
  text,
  UsageError,
  wholeNumber,
} from '@adtally/command-line';
import { currentCommit } from '../current-commit.ts';

const MINUTES = 3;
const MINUTES_MAX = 24 * 60;
const RATE = 200;
const RATE_MAX = 20_000;

export const chaosCommand = command({
  description: `On servers of its own: three Kafka brokers, PostgreSQL, Redis, three consumers and all other services as processes
under load. Several faults at a time, chosen by the seed, each with evidence that it happened; between the windows all is
healed and must become well again. In the end the producer's books, the audit, the rollups computed anew and the recount
from the topic must agree. Exit code 0 only then, and where every planned fault happened.`,
  options: {
    minutes: option(wholeNumber(1, MINUTES_MAX), 'how long there are faults', { default: MINUTES }),
    seed: option(wholeNumber(0, Number.MAX_SAFE_INTEGER), 'what the plan is made from', {
      default: 1,
    }),
    rate: option(wholeNumber(1, RATE_MAX), 'records a second', { default: RATE }),
    only: option(text('A,B'), `these faults alone: ${FAULTS.map(({ name }) => name).join(', ')}`, {
      default: '',
    }),
    plan: flag('print the plan and do nothing'),
    markdown: option(text('FILE'), 'where to write the report', { default: '' }),
    logs: option(text('FOLDER'), 'where to keep what the services log', { default: '' }),
    ...JSON_OPTION,
  },
  run: async ({ options: { minutes, seed, rate, only, plan: planOnly, markdown, logs, json } }) => {
    const names = only.split(',').filter((name) => name !== '');
    const unknown = names.filter((name) => !FAULTS.some((fault) => fault.name === name));
    if (unknown.length > 0) throw new UsageError(`there is no fault ${unknown.join(', ')}`);
    const seconds = minutes * 60;
    const chosen = names.length === 0 ? FAULTS : FAULTS.filter(({ name }) => names.includes(name));
    const plan = planOf(chosen, { seed, seconds });
    if (planOnly) {
      if (json) printJson({ seed, seconds, plan });
      else process.stdout.write(`${planText(plan)}\n`);
      return EXIT.success;
    }
    if (!json) process.stdout.write(`seed ${seed}:\n${planText(plan)}\n`);
    // What runs is ended when this process exits, and a signal alone would not run those last words.
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => process.exit(EXIT.failure));
    }
    const commit = currentCommit();
    const folder = logs === '' ? undefined : logs;
    const result = await chaos({ seed, seconds, rate, only: names, logs: folder, say });
    if (markdown !== '') {
      const made = {
        command: `./dev chaos --minutes ${minutes} --seed ${seed}${only === '' ? '' : ` --only ${only}`}${rate === RATE ? '' : ` --rate ${rate}`} --markdown FILE`,
        day: new Date().toISOString().slice(0, 'yyyy-mm-dd'.length),
        commit,
      };
      writeFileSync(markdown, chaosMarkdown(result, made));
    }
    if (json) printJson({ commit, ...result });
    else process.stdout.write(`${chaosText(result)}\n`);
    // Clients that were cut off leave requests that never end, and Node waits for them before it goes.
    process.exit(result.problems.length === 0 ? EXIT.success : EXIT.failure);
  },
});
