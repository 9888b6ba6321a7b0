import {
  formatTable,
  parseCommand,
  printJson,
  say,
  UsageError,
  wholeNumberOf,
} from '@adtally/command-line';
import { jsonInteger } from '@adtally/db';
import { redriveJob, redriveReceipts, type RedriveReceipt } from '@adtally/letters';
import { EXIT } from '../exit-codes.ts';
import { listOf } from '../filter-options.ts';
import { oneId } from '../options.ts';
import type { Command } from '../context.ts';
import { coordinate, printable } from '../words.ts';

const LIMIT_MAX = 10_000;
const PLACE_MAX = 2_147_483_647;
const OUTCOMES = ['stored', 'duplicate', 'conflict', 'failed', 'dead', 'skipped'];

/** `redrive receipts <job>`: what became of each letter, in the order of their turns. */
export const receipts: Command = (args) => {
  const { values, positionals } = parseCommand(
    args,
    {
      json: { type: 'boolean', default: false },
      outcome: { type: 'string', multiple: true },
      limit: { type: 'string', default: '50' },
      after: { type: 'string', default: '0' },
    },
    true,
  );
  const jobId = oneId('job', positionals);
  const limit = wholeNumberOf('limit', values.limit, 1, LIMIT_MAX);
  const after = wholeNumberOf('after', values.after, 0, PLACE_MAX);
  const outcomes = listOf('outcome', values.outcome);
  const unknown = outcomes?.find((outcome) => !OUTCOMES.includes(outcome));
  if (unknown !== undefined) {
    throw new UsageError(`--outcome must be one of ${OUTCOMES.join(', ')}, not "${unknown}"`);
  }
  return async ({ db }) => {
    const rows = await redriveReceipts(db, jobId, { after, limit: limit + 1, outcomes });
    if (rows.length === 0 && (await redriveJob(db, jobId)) === undefined) {
      if (values.json) printJson({ found: false });
      say(`there is no job ${jobId}`);
      return EXIT.refused;
    }
    const page = rows.slice(0, limit);
    const next = rows.length > limit ? (page.at(-1)?.place ?? null) : null;
    if (values.json) printJson({ receipts: page.map(receiptJson), next });
    else if (page.length === 0) say('no receipts match');
    else process.stdout.write(`${receiptsText(page)}\n`);
    if (next !== null && !values.json) say(`there are more: --after ${next}`);
    return EXIT.ok;
  };
};

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
