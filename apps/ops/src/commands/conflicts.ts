import {
  countConflicts,
  findConflicts,
  listAdjustments,
  noteReveal,
  type Conflict,
  type ConflictFilter,
} from '@adtally/analytics';
import {
  command,
  CommandError,
  EXIT,
  flag,
  JSON_OPTION,
  operand,
  option,
  printJson,
  say,
  text,
  timestamp,
  UsageError,
  wholeNumber,
} from '@adtally/command-line';
import { conflictName, type ConflictName } from '../conflicts/conflict-name.ts';
import { readCopies } from '../conflicts/read-copies.ts';
import {
  adjustmentJson,
  adjustmentsText,
  conflictJson,
  conflictsText,
  conflictText,
  maskedConflict,
  nameOf,
  type ReadConflict,
  recordOf,
} from '../conflicts/shown-conflict.ts';
import { campaign } from '../campaign-type.ts';
import { onDatabase, type OpsContext, type OpsEnvironment } from '../on-database.ts';
import { operatorOf, OPTIONAL_SIGNATURE_OPTIONS, readSignature } from '../order-options.ts';
import { OPTIONAL_PERIOD_OPTIONS, readOptionalPeriod } from '../period-options.ts';
import { revealedJson, revealedText } from '../revealed-record.ts';
import { count } from '../words.ts';

const INT4_MAX = 2_147_483_647;
const LIMIT_MAX = 10_000;

/** Conflicts with what differs, the newest first. */
export const list = command({
  description: `Records whose event was stored before with another payload: the first one counts, the others are kept. What differs is said
by column of table events, and by how much the amount would change. Those of a replay are left out: it reads records again.`,
  options: {
    campaign: option(campaign, 'of the stored event'),
    source: option(wholeNumber(1, INT4_MAX), 'by source'),
    topic: option(text('TOPIC'), 'by topic'),
    partition: option(wholeNumber(0, INT4_MAX), 'by its partition'),
    since: option(timestamp, 'found at or after; UTC unless an offset is given'),
    until: option(timestamp, 'found before'),
    limit: option(wholeNumber(1, LIMIT_MAX), 'how many at most', { default: 50 }),
    ...JSON_OPTION,
  },
  run: async ({ options }, environment: OpsEnvironment) => {
    const { campaign: campaignId, source: sourceId, limit, json, ...rest } = options;
    const filter: ConflictFilter = { campaignId, sourceId, ...rest };
    return await onDatabase(environment, async (context) => {
      const found = await findConflicts(context.db, filter, limit);
      const conflicts = await readAll(context, found);
      const all = await countConflicts(context.db, filter);
      if (json) printJson({ conflicts: conflicts.map(conflictJson), all });
      else if (conflicts.length > 0) process.stdout.write(`${conflictsText(conflicts)}\n`);
      if (conflicts.length === 0) say('no conflicts match');
      const more = all - BigInt(conflicts.length);
      if (more > 0n) say(`${count(more)} more, which were found before: --limit or --until`);
      return EXIT.success;
    });
  },
});

/** One conflict: what differs field by field, what was booked for its event, its bytes masked. */
export const show = command({
  operands: { conflict: operand(conflictName, 'which conflict, as list prints it') },
  options: {
    reveal: flag('print its bytes; needs --reason, and is noted'),
    ...OPTIONAL_SIGNATURE_OPTIONS,
    ...JSON_OPTION,
  },
  run: async ({ operands, options }, environment: OpsEnvironment) => {
    const signature = options.reveal ? readSignature(options) : null;
    return await onDatabase(environment, async (context) => {
      const { db, config } = context;
      const conflict = await theConflict(context, operands.conflict);
      const { impressionId, eventKey } = conflict.conflict;
      const bookings = await listAdjustments(db, { event: { impressionId, eventKey } });
      if (signature !== null)
        await noteReveal(db, operatorOf(signature, config), conflict.conflict);
      const record = signature === null ? null : recordOf(conflict.conflict);
      if (options.json) {
        printJson({
          ...conflictJson(conflict),
          bookings: bookings.map(adjustmentJson),
          record: maskedConflict(conflict.conflict),
          ...(record === null ? {} : { revealed: revealedJson(record) }),
        });
      } else {
        const revealed = record === null ? '' : `\n\n${revealedText(record)}`;
        process.stdout.write(`${conflictText(conflict, bookings)}${revealed}\n`);
      }
      return EXIT.success;
    });
  },
});

/** What was booked by hand, in the order of booking. */
export const adjustments = command({
  options: {
    campaign: option(campaign, 'only of this one'),
    ...OPTIONAL_PERIOD_OPTIONS,
    ...JSON_OPTION,
  },
  run: async ({ options }, environment: OpsEnvironment) => {
    const filter = { campaignId: options.campaign, period: readOptionalPeriod(options) };
    return await onDatabase(environment, async ({ db }) => {
      const booked = await listAdjustments(db, filter);
      if (options.json) printJson({ adjustments: booked.map(adjustmentJson) });
      else if (booked.length > 0) process.stdout.write(`${adjustmentsText(booked)}\n`);
      if (booked.length === 0) say('nothing was booked');
      return EXIT.success;
    });
  },
});

/** The conflict of that name. @throws CommandError where there is none, UsageError where the name fits several */
export async function theConflict(context: OpsContext, name: ConflictName): Promise<ReadConflict> {
  const found = await findConflicts(context.db, name, LIMIT_MAX);
  // A coordinate is one of the topic's own records, not a retry's number.
  const meant = found.filter(({ place }) => name.topic === undefined || place.kind === 'events');
  const [conflict] = meant;
  if (conflict === undefined) {
    throw new CommandError('there is no such conflict; conflicts list names them', {
      exitCode: EXIT.refused,
    });
  }
  if (meant.length > 1) {
    const names = meant.map(({ sourceId, place }) => `${sourceId}@${place.offset}`).join(', ');
    throw new UsageError(`the topic was made again and ${nameOf(conflict)} is several: ${names}`);
  }
  const [read] = await readAll(context, [conflict]);
  return read as ReadConflict;
}

async function readAll(
  { db }: OpsContext,
  conflicts: readonly Conflict[],
): Promise<ReadConflict[]> {
  const copies = await readCopies(db, conflicts);
  return conflicts.map((conflict, index) => {
    const copy = copies[index];
    if (copy === undefined) throw new Error('a conflict was not read');
    return { conflict, copy };
  });
}
