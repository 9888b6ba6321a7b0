import { parseCommand, printJson, say } from '@adtally/command-line';
import { jsonInteger } from '@adtally/db';
import {
  discardable,
  discardLetters,
  restorable,
  restoreLetters,
  UNCONFIRMED_LETTERS_MAX,
  type LetterFilter,
  type LettersMoved,
  type MovableLetters,
} from '@adtally/letters';
import { EXIT } from '../exit-codes.ts';
import { FILTER_OPTIONS, readFilter } from '../filter-options.ts';
import { operatorOf, ORDER_OPTIONS, readId, readOrder, type Order } from '../options.ts';
import type { Command, OpsContext } from '../context.ts';
import { letters } from '../words.ts';

interface Move {
  readonly verb: 'discard' | 'restore';
  readonly look: typeof discardable;
  readonly carryOut: typeof discardLetters;
  /** Why a matching letter may be left out. */
  readonly exception: string;
}

const DISCARD: Move = {
  verb: 'discard',
  look: discardable,
  carryOut: discardLetters,
  exception: 'being tried now',
};
const RESTORE: Move = {
  verb: 'restore',
  look: restorable,
  carryOut: restoreLetters,
  exception: 'was pending and its bytes have expired',
};

const JSON_OPTION = { json: { type: 'boolean', default: false } } as const;

/** `discard`: letters that shall never be tried again; `restore` undoes it. */
export const discard: Command = (args) => {
  const { values } = parseCommand(args, { ...FILTER_OPTIONS, ...ORDER_OPTIONS, ...JSON_OPTION });
  const allowed = ['pending', 'dead'] as const;
  const filter = readFilter(values, { states: allowed, allowed });
  return moving(DISCARD, filter, readOrder(values), values.json);
};

/** `restore`: brings discarded letters back to the state they had; `--discard N` undoes just one discard. */
export const restore: Command = (args) => {
  const { values } = parseCommand(args, {
    ...FILTER_OPTIONS,
    ...ORDER_OPTIONS,
    ...JSON_OPTION,
    discard: { type: 'string' },
  });
  const allowed = ['discarded'] as const;
  const filter = {
    ...readFilter(values, { states: allowed, allowed }),
    discardAction: values.discard === undefined ? undefined : readId('discard', values.discard),
  };
  return moving(RESTORE, filter, readOrder(values), values.json);
};

function moving(
  move: Move,
  filter: LetterFilter,
  order: Order | null,
  json: boolean,
): (context: OpsContext) => Promise<number> {
  if (order === null) {
    return async ({ db }) => toldLook(move, await move.look(db, filter), json);
  }
  return async ({ db, config }) => {
    const operator = operatorOf(order, config);
    const moved = await move.carryOut(db, { ...operator, filter, confirm: order.confirm });
    return toldMove(move, moved, json);
  };
}

function toldLook(move: Move, { matched, movable }: MovableLetters, json: boolean): number {
  const needsConfirm = movable > UNCONFIRMED_LETTERS_MAX;
  if (json) printJson({ executed: false, matched, letters: movable, needs_confirm: needsConfirm });
  else {
    process.stdout.write(`${letters(matched)} match${exceptions(move, matched - movable)}.\n`);
    if (movable > 0) {
      const confirm = needsConfirm ? ` --confirm ${movable}` : '';
      process.stdout.write(
        `Nothing was changed. To ${move.verb} ${letters(movable)}: --execute --reason TEXT${confirm}\n`,
      );
    }
  }
  if (movable > 0) return EXIT.ok;
  say(`there is nothing to ${move.verb}`);
  return EXIT.refused;
}

function toldMove(move: Move, moved: LettersMoved, json: boolean): number {
  const { outcome, matched } = moved;
  if (outcome === 'done') {
    const { actionId, moved: done } = moved;
    if (json) printJson({ executed: true, matched, letters: done, action: jsonInteger(actionId) });
    else {
      process.stdout.write(
        `${letters(done)} ${move.verb}ed${exceptions(move, matched - done)}, action ${actionId}\n`,
      );
      if (move.verb === 'discard') say(`to undo it: restore --discard ${actionId}`);
    }
    return EXIT.ok;
  }
  if (outcome === 'not-confirmed') {
    if (json) printJson({ executed: false, outcome, matched, letters: moved.moved });
    say(
      `it would ${move.verb} ${letters(moved.moved)}: if that is meant, add --confirm ${moved.moved}`,
    );
    return EXIT.refused;
  }
  if (json) printJson({ executed: false, outcome, matched, letters: 0 });
  say(`there is nothing to ${move.verb}${exceptions(move, matched)}`);
  return EXIT.refused;
}

function exceptions(move: Move, number: number): string {
  return number > 0 ? ` (not ${letters(number)}: ${move.exception})` : '';
}
