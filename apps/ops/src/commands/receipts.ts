import {
  choice,
  command,
  EXIT,
  formatTable,
  id,
  JSON_OPTION,
  list,
  operand,
  option,
  printJson,
  say,
  wholeNumber,
} from '@adtally/command-line';
import { jsonInteger } from '@adtally/db';
import { redriveJob, redriveReceipts, type RedriveReceipt } from '@adtally/letters';
import { onDatabase, type OpsEnvironment } from '../on-database.ts';
import { coordinate, printable } from '../words.ts';

const LIMIT_MAX = 10_000;
const PLACE_MAX = 2_147_483_647;
const OUTCOMES = ['stored', 'duplicate', 'conflict', 'failed', 'dead', 'skipped'] as const;

/** In the order of the letters' turns. */
export const receipts = command({
  operands: { job: operand(id('job'), 'which job') },
  options: {
    outcome: list(choice(OUTCOMES, 'OUTCOME'), 'only these; several with commas or repeated'),
    limit: option(wholeNumber(1, LIMIT_MAX), 'how many at once', { default: 50 }),
    after: option(wholeNumber(0, PLACE_MAX), 'go on after this place', { default: 0 }),
    ...JSON_OPTION,
  },
  run: async ({ operands: { job }, options }, environment: OpsEnvironment) =>
    await onDatabase(environment, async ({ db }) => {
      const { outcome: outcomes, limit, after, json } = options;
      const rows = await redriveReceipts(db, job, { after, limit: limit + 1, outcomes });
      if (rows.length === 0 && (await redriveJob(db, job)) === undefined) {
        if (json) printJson({ found: false });
        say(`there is no job ${job}`);
        return EXIT.refused;
      }
      const page = rows.slice(0, limit);
      const next = rows.length > limit ? (page.at(-1)?.place ?? null) : null;
      if (json) printJson({ receipts: page.map(receiptJson), next });
      else if (page.length === 0) say('no receipts match');
      else process.stdout.write(`${receiptsText(page)}\n`);
      if (next !== null && !json) say(`there are more: --after ${next}`);
      return EXIT.success;
    }),
});

function receiptJson(receipt: RedriveReceipt): object {
  return {
    place: receipt.place,
    letter: jsonInteger(receipt.letterId),
    topic: receipt.topic,
    partition: receipt.partition,
    offset: jsonInteger(receipt.offset),
    series: receipt.series,
    outcome: receipt.outcome,
    changed_at: receipt.changedAt,
    state: receipt.state,
    code: receipt.code,
  };
}

function receiptsText(page: readonly RedriveReceipt[]): string {
  const rows = page.map((receipt) => [
    String(receipt.place),
    String(receipt.letterId),
    coordinate(receipt),
    receipt.outcome ?? (receipt.series === null ? 'waiting' : 'trying'),
    receipt.state,
    printable(receipt.code),
    receipt.changedAt?.toISOString() ?? '-',
  ]);
  const header = ['PLACE', 'LETTER', 'COORDINATE', 'OUTCOME', 'STATE NOW', 'CODE', 'CHANGED'];
  return formatTable([header, ...rows], new Set([0, 1]));
}
