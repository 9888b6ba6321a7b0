import {
  command,
  EXIT,
  flag,
  JSON_OPTION,
  option,
  printJson,
  progressLine,
  say,
  wholeNumber,
  type ValueType,
} from '@adtally/command-line';
import { buildVersion } from '@adtally/config';
import { jsonInteger, readWriteGuards } from '@adtally/db';
import {
  createRedrive,
  redriveCandidates,
  UNCONFIRMED_LETTERS_MAX,
  type LetterFilter,
  type RedriveCandidates,
} from '@adtally/letters';
import { filterOf, filterOptions } from '../filter-options.ts';
import { followJob } from '../follow-job.ts';
import { judgeJson, judgeLine, readJudges } from '../judged-by.ts';
import { operatorOf, ORDER_OPTIONS, readOrder, type Order } from '../order-options.ts';
import { preflight, type Preflight } from '../preflight.ts';
import { onDatabase, type OpsContext, type OpsEnvironment } from '../on-database.ts';
import { count, letters, span } from '../words.ts';

/** Whose verdict "would pass now" is. */
const VERSION = buildVersion(new URL('../../package.json', import.meta.url));
const RATE_MAX = 10_000;
const LETTERS_MAX = 2_147_483_647;
const FUTURE_HINT =
  'Ids of the future are let through by --accept-future; README, "Ids of the future".';

interface Wanted {
  readonly filter: LetterFilter;
  readonly isStateGiven: boolean;
  readonly ratePerSecond: number;
  readonly limit: number | undefined;
  readonly acceptFuture: boolean;
  readonly json: boolean;
}

const REDRIVABLE = ['dead', 'pending'] as const;
const PER_SECOND = wholeNumber(1, RATE_MAX);
/** `200` or `200/s`. */
const RATE: ValueType<number> = {
  ...PER_SECOND,
  parse: (given) => PER_SECOND.parse(given.replace(/\/s$/, '')),
};

/** Says what trying letters again would do, and orders it with `--execute`. */
export const redrive = command({
  description:
    'Without --execute it says how many would pass by this build, and why the others would not.',
  options: {
    ...filterOptions(REDRIVABLE),
    ...ORDER_OPTIONS,
    rate: option(RATE, 'letters a second', { default: 100 }),
    limit: option(wholeNumber(1, LETTERS_MAX), 'only the oldest of them'),
    'accept-future': flag('store them as they are, also where their ids lie in the future'),
    wait: flag('follow the job until it is over'),
    ...JSON_OPTION,
  },
  run: async ({ options }, environment: OpsEnvironment) => {
    const { rate: ratePerSecond, limit, json, wait, 'accept-future': acceptFuture } = options;
    const filter = filterOf(options, ['dead']);
    const isStateGiven = options.state !== undefined;
    const wanted = { filter, isStateGiven, ratePerSecond, limit, acceptFuture, json };
    const order = readOrder(options);
    return await onDatabase(environment, (context) =>
      order === null ? dryRun(context, wanted) : execute(context, wanted, order, wait),
    );
  },
});

async function dryRun({ db }: OpsContext, wanted: Wanted): Promise<number> {
  const candidates = await redriveCandidates(db, wanted.filter);
  const selected = Math.min(candidates.eligible, wanted.limit ?? Infinity);
  const { horizonMs } = await readWriteGuards(db);
  const progress = progressLine();
  const verdict = await preflight(db, wanted.filter, {
    limit: wanted.limit,
    horizonMs,
    judges: await readJudges(db),
    acceptFuture: wanted.acceptFuture,
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
      judged_by: verdict.judgedBy.map(judgeJson),
      needs_confirm: verdict.checked > UNCONFIRMED_LETTERS_MAX,
    });
  } else process.stdout.write(`${dryRunText(candidates, verdict, wanted)}\n`);
  if (verdict.checked === 0) say(`there is nothing to redrive${onlyDead(candidates, wanted)}`);
  return verdict.checked === 0 ? EXIT.refused : EXIT.success;
}

async function execute(
  context: OpsContext,
  wanted: Wanted,
  order: Order,
  wait: boolean,
): Promise<number> {
  const { db, config } = context;
  const { filter, ratePerSecond, limit, acceptFuture, json } = wanted;
  const operator = operatorOf(order, config);
  const ordered = await createRedrive(db, {
    ...operator,
    filter,
    ratePerSecond,
    limit,
    acceptFuture,
    confirm: order.confirm,
  });
  const facts = candidatesJson(ordered.candidates);
  if (ordered.outcome === 'nothing-to-redrive') {
    if (json) printJson({ executed: false, outcome: ordered.outcome, ...facts });
    say(
      `there is nothing to redrive: ${candidatesText(ordered.candidates)}${onlyDead(ordered.candidates, wanted)}`,
    );
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
  return wait ? await followJob(db, String(jobId), json) : EXIT.success;
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

/** Letters that fail are pending for minutes before they are dead. */
function onlyDead({ matched }: RedriveCandidates, { isStateGiven }: Wanted): string {
  return matched > 0 || isStateGiven ? '' : '; without --state only dead letters are meant';
}

function dryRunText(candidates: RedriveCandidates, verdict: Preflight, wanted: Wanted): string {
  const { checked, wouldPass, upToDatabase, wouldFail, judgedBy } = verdict;
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
    'Judged by:',
    ...judgedBy.map((judge) => `  ${judgeLine(judge, VERSION)}`),
    ...(wouldFail['future'] === undefined ? [] : [FUTURE_HINT]),
    `At ${wanted.ratePerSecond}/s it takes about ${span(checked / wanted.ratePerSecond)}.`,
    `Nothing was changed. To do it: --execute --reason TEXT${
      checked > UNCONFIRMED_LETTERS_MAX ? ` --confirm ${checked}` : ''
    }`,
  ].join('\n');
}
