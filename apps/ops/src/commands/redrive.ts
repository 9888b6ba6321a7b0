import { parseCommand, printJson, progressLine, say, wholeNumberOf } from '@adtally/command-line';
import { buildVersion } from '@adtally/config';
import { jsonInteger, readWriteGuards } from '@adtally/db';
import {
  createRedrive,
  redriveCandidates,
  UNCONFIRMED_LETTERS_MAX,
  type LetterFilter,
  type RedriveCandidates,
} from '@adtally/letters';
import { EXIT } from '../exit-codes.ts';
import { FILTER_OPTIONS, readFilter } from '../filter-options.ts';
import { followJob } from '../follow-job.ts';
import { operatorOf, ORDER_OPTIONS, readOrder, type Order } from '../options.ts';
import { preflight, type Preflight } from '../preflight.ts';
import type { Command, OpsContext } from '../context.ts';
import { count, letters, span } from '../words.ts';

/** Whose verdict "would pass now" is. */
const VERSION = buildVersion(new URL('../../package.json', import.meta.url));
const RATE_MAX = 10_000;
const LETTERS_MAX = 2_147_483_647;

interface Wanted {
  readonly filter: LetterFilter;
  readonly ratePerSecond: number;
  readonly limit: number | undefined;
  readonly json: boolean;
}

/** `redrive`: says what trying letters again would do, and orders it with `--execute`. */
export const redrive: Command = (args) => {
  const { values } = parseCommand(args, {
    ...FILTER_OPTIONS,
    ...ORDER_OPTIONS,
    json: { type: 'boolean', default: false },
    rate: { type: 'string', default: '100' },
    limit: { type: 'string' },
    wait: { type: 'boolean', default: false },
  });
  const filter = readFilter(values, { states: ['dead'], allowed: ['dead', 'pending'] });
  const wanted: Wanted = {
    filter,
    ratePerSecond: wholeNumberOf('rate', values.rate.replace(/\/s$/, ''), 1, RATE_MAX),
    limit:
      values.limit === undefined ? undefined : wholeNumberOf('limit', values.limit, 1, LETTERS_MAX),
    json: values.json,
  };
  const order = readOrder(values);
  if (order === null) return async (context) => await dryRun(context, wanted);
  return async (context) => await execute(context, wanted, order, values.wait);
};

async function dryRun({ db, config }: OpsContext, wanted: Wanted): Promise<number> {
  const candidates = await redriveCandidates(db, wanted.filter);
  const selected = Math.min(candidates.eligible, wanted.limit ?? Infinity);
  const { horizonMs } = await readWriteGuards(db);
  const progress = progressLine();
  const verdict = await preflight(db, wanted.filter, {
    limit: wanted.limit,
    horizonMs,
    limits: {
      maxValueBytes: config.recordMaxBytes,
      maxDepth: config.jsonMaxDepth,
      readAsNewest: config.readAsNewest,
    },
    onProgress: (checked) => progress.update(`checked ${count(checked)} of ${letters(selected)}`),
  });
  progress.finish();
  if (wanted.json) {
    printJson({
      executed: false,
      ...candidatesJson(candidates),
      selected: verdict.checked,
      would_pass: verdict.wouldPass,
      would_pass_up_to_database: verdict.upToDatabase,
      would_fail: verdict.wouldFail,
      version: VERSION,
      needs_confirm: verdict.checked > UNCONFIRMED_LETTERS_MAX,
    });
  } else process.stdout.write(`${dryRunText(candidates, verdict, wanted)}\n`);
  if (verdict.checked === 0) say('there is nothing to redrive');
  return verdict.checked === 0 ? EXIT.refused : EXIT.ok;
}

async function execute(
  context: OpsContext,
  { filter, ratePerSecond, limit, json }: Wanted,
  order: Order,
  wait: boolean,
): Promise<number> {
  const { db, config } = context;
  const operator = operatorOf(order, config);
  const ordered = await createRedrive(db, {
    ...operator,
    filter,
    ratePerSecond,
    limit,
    confirm: order.confirm,
  });
  const facts = candidatesJson(ordered.candidates);
  if (ordered.outcome === 'nothing-to-redrive') {
    if (json) printJson({ executed: false, outcome: ordered.outcome, ...facts });
    say(`there is nothing to redrive: ${candidatesText(ordered.candidates)}`);
    return EXIT.refused;
  }
  if (ordered.outcome === 'not-confirmed') {
    if (json)
      printJson({ executed: false, outcome: ordered.outcome, ...facts, selected: ordered.total });
    say(
      `it would redrive ${letters(ordered.total)}: if that is meant, add --confirm ${ordered.total}`,
    );
    return EXIT.refused;
  }
  const { jobId, total } = ordered;
  if (json && !wait) {
    printJson({
      executed: true,
      job: jsonInteger(jobId),
      letters: total,
      rate: ratePerSecond,
      ...facts,
    });
  }
  if (!json) {
    process.stdout.write(
      `job ${jobId}: ${letters(total)} at ${ratePerSecond}/s, about ${span(total / ratePerSecond)}\n`,
    );
    if (!wait) say(`follow it with: redrive status ${jobId} --wait`);
  }
  return wait ? await followJob(db, String(jobId), json) : EXIT.ok;
}

function candidatesJson(candidates: RedriveCandidates): object {
  return {
    matched: candidates.matched,
    eligible: candidates.eligible,
    tried_now: candidates.triedNow,
    in_a_job: candidates.inAJob,
    without_bytes: candidates.withoutBytes,
  };
}

function candidatesText(candidates: RedriveCandidates): string {
  const { matched, eligible, triedNow, inAJob, withoutBytes } = candidates;
  const reasons = [
    triedNow > 0 && `${count(triedNow)} being tried now`,
    inAJob > 0 && `${count(inAJob)} in a job already`,
    withoutBytes > 0 && `${count(withoutBytes)} whose bytes have expired`,
  ].filter((reason) => reason !== false);
  const without = reasons.length > 0 ? ` (not ${reasons.join(', ')})` : '';
  return `${letters(matched)} match, ${count(eligible)} can be redriven${without}`;
}

function dryRunText(candidates: RedriveCandidates, verdict: Preflight, wanted: Wanted): string {
  const { checked, wouldPass, upToDatabase, wouldFail } = verdict;
  const failing = Object.entries(wouldFail);
  const limited = checked < candidates.eligible ? `; the oldest ${count(checked)} are meant` : '';
  if (checked === 0) return candidatesText(candidates);
  return [
    `${candidatesText(candidates)}${limited}.`,
    `By build ${VERSION}, ${count(wouldPass)} would pass now${
      upToDatabase > 0
        ? `; ${count(upToDatabase)} of them the database refused before: only a try can tell`
        : ''
    }.`,
    ...(failing.length > 0 ? [`${count(checked - wouldPass)} would fail again:`] : []),
    ...failing.map(([code, number]) => `  ${code}  ${count(number)}`),
    `At ${wanted.ratePerSecond}/s it takes about ${span(checked / wanted.ratePerSecond)}.`,
    `Nothing was changed. To do it: --execute --reason TEXT${
      checked > UNCONFIRMED_LETTERS_MAX ? ` --confirm ${checked}` : ''
    }`,
  ].join('\n');
}
