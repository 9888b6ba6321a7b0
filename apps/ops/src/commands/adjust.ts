import { bookAdjustment, type Booking, readUndoable, undoAdjustment } from '@adtally/analytics';
import {
  command,
  CommandError,
  EXIT,
  flag,
  id,
  JSON_OPTION,
  option,
  printJson,
  UsageError,
} from '@adtally/command-line';
import {
  conflictName,
  currency,
  type ConflictName,
  signedMicros,
} from '../conflicts/conflict-name.ts';
import {
  adjustmentJson,
  amountOf,
  nameOf,
  type ReadConflict,
  signedMoney,
} from '../conflicts/shown-conflict.ts';
import { onDatabase, type OpsContext, type OpsEnvironment } from '../on-database.ts';
import { EXECUTE_OPTIONS, operatorOf, type Order, readOrder } from '../order-options.ts';
import { theConflict } from './conflicts.ts';

/** Books money beside the figures for the event of a conflict, or takes such a booking back. */
export const adjust = command({
  description: `The stored event and the conflict stay as they are, and no figure changes: reports show what was booked in a column of its own,
on the day of the event. By default the difference between the two amounts is booked. A booking is taken back by --undo.
Exit code 4 where there is no such conflict, the amounts do not differ or are in two currencies (then name --amount-micros
and --currency, a booking each), or the event was adjusted before and --again is not given.`,
  options: {
    conflict: option(conflictName, 'for which conflict'),
    undo: option(id('adjustment'), 'book the opposite of this adjustment'),
    'amount-micros': option(
      signedMicros,
      'how much; by default what the conflicting copy has more',
    ),
    currency: option(currency, 'of that amount; by default of the stored event'),
    again: flag('though something was booked for this event before'),
    ...EXECUTE_OPTIONS,
    ...JSON_OPTION,
  },
  run: async ({ options }, environment: OpsEnvironment) => {
    const { conflict, undo, json } = options;
    if ((conflict === undefined) === (undo === undefined)) {
      throw new UsageError('one of --conflict and --undo says what to book');
    }
    const isAmended =
      options['amount-micros'] !== undefined || options.currency !== undefined || options.again;
    if (undo !== undefined && isAmended) {
      throw new UsageError(
        '--undo books the opposite, whole: no --amount-micros, --currency or --again',
      );
    }
    const order = readOrder(options);
    return await onDatabase(environment, async (context) =>
      conflict === undefined
        ? await undone(context, BigInt(undo ?? 0), order, json)
        : await booked(context, conflict, options, order),
    );
  },
});

async function booked(
  context: OpsContext,
  name: ConflictName,
  options: {
    readonly 'amount-micros': bigint | undefined;
    readonly currency: string | undefined;
    readonly again: boolean;
    readonly json: boolean;
  },
  order: Order | null,
): Promise<number> {
  const read = await theConflict(context, name);
  const booking = { ...whatToBook(read, options), again: options.again };
  if (read.conflict.bookings > 0 && !options.again) {
    throw refusal(
      `this event was adjusted before, bookings: ${read.conflict.bookings} (conflicts show); --again books another one`,
    );
  }
  const { amountMicros, currency: unit } = booking;
  const what = `${signedMoney(amountMicros)} ${unit} for ${eventText(read)}`;
  if (order === null) {
    tell(options.json, { executed: false, amount_micros: amountMicros, currency: unit }, [
      `would book ${what}`,
      'Nothing was changed. To book it: --execute --reason TEXT',
    ]);
    return EXIT.success;
  }
  const done = await bookAdjustment(context.db, operatorOf(order, context.config), booking);
  tell(options.json, { executed: true, adjustment: adjustmentJson(done) }, [
    `adjustment ${done.adjustmentId}: booked ${what}`,
  ]);
  return EXIT.success;
}

function whatToBook(
  read: ReadConflict,
  options: {
    readonly 'amount-micros': bigint | undefined;
    readonly currency: string | undefined;
  },
): Omit<Booking, 'again'> {
  const { sourceId, place, stored } = read.conflict;
  const at = { sourceId, offset: place.offset };
  if (stored === null) throw refusal('the event of this conflict is not stored any more');
  const ofEvent = String(stored.values['currency']);
  const amountMicros = options['amount-micros'];
  if (amountMicros !== undefined) {
    return { ...at, amountMicros, currency: options.currency ?? ofEvent };
  }
  if (options.currency !== undefined) {
    throw new UsageError('--currency needs --amount-micros');
  }
  const difference = amountOf(read);
  if (difference === null) {
    throw refusal(
      'the two copies have no common currency, or one cannot be read: name --amount-micros and --currency',
    );
  }
  if (difference === 0n) {
    throw refusal(
      'both copies have the same amount: name --amount-micros if something is to be booked',
    );
  }
  return { ...at, amountMicros: difference, currency: ofEvent };
}

async function undone(
  { db, config }: OpsContext,
  adjustmentId: bigint,
  order: Order | null,
  json: boolean,
): Promise<number> {
  if (order === null) {
    const { amountMicros, currency: unit } = await readUndoable(db, adjustmentId);
    tell(json, { executed: false, amount_micros: -amountMicros, currency: unit }, [
      `would book ${signedMoney(-amountMicros)} ${unit}, the opposite of adjustment ${adjustmentId}`,
      'Nothing was changed. To book it: --execute --reason TEXT',
    ]);
    return EXIT.success;
  }
  const done = await undoAdjustment(db, operatorOf(order, config), adjustmentId);
  tell(json, { executed: true, adjustment: adjustmentJson(done) }, [
    `adjustment ${done.adjustmentId}: booked ${signedMoney(done.amountMicros)} ${done.currency}, the opposite of ${adjustmentId}`,
  ]);
  return EXIT.success;
}

function eventText({ conflict }: ReadConflict): string {
  const { stored } = conflict;
  const of = stored === null ? '' : ` of ${String(stored.values['occurred_at'])}`;
  return `the ${stored?.type ?? 'event'}${of}, conflict ${nameOf(conflict)}`;
}

function tell(json: boolean, object: object, lines: readonly string[]): void {
  if (json) printJson(object);
  else process.stdout.write(`${lines.join('\n')}\n`);
}

function refusal(message: string): CommandError {
  return new CommandError(message, { exitCode: EXIT.refused });
}
