import { command, EXIT, id, JSON_OPTION, option, printJson, say } from '@adtally/command-line';
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
import { filterOf, filterOptions } from '../filter-options.ts';
import { operatorOf, ORDER_OPTIONS, readOrder } from '../order-options.ts';
import { onDatabase, type OpsEnvironment } from '../on-database.ts';
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

const DISCARDABLE = ['pending', 'dead'] as const;
const RESTORABLE = ['discarded'] as const;

/** Letters that shall never be tried again; `restore` undoes it. */
export const discard = command({
  options: { ...filterOptions(DISCARDABLE), ...ORDER_OPTIONS, ...JSON_OPTION },
  run: async ({ options }, environment: OpsEnvironment) =>
    await moving(DISCARD, filterOf(options, DISCARDABLE), options, environment),
});

/** Brings discarded letters back to the state they had. */
export const restore = command({
  options: {
    ...filterOptions(RESTORABLE),
    discard: option(id('discard'), 'only what this discard ended, by the number of its action'),
    ...ORDER_OPTIONS,
    ...JSON_OPTION,
  },
  run: async ({ options }, environment: OpsEnvironment) => {
    const filter = { ...filterOf(options, RESTORABLE), discardAction: options.discard };
    return await moving(RESTORE, filter, options, environment);
  },
});

async function moving(
  move: Move,
  filter: LetterFilter,
  options: Parameters<typeof readOrder>[0] & { readonly json: boolean },
  environment: OpsEnvironment,
): Promise<number> {
  const order = readOrder(options);
  return await onDatabase(environment, async ({ db, config }) => {
    if (order === null) return toldLook(move, await move.look(db, filter), options.json);
    const operator = operatorOf(order, config);
    const moved = await move.carryOut(db, { ...operator, filter, confirm: order.confirm });
    return toldMove(move, moved, options.json);
  });
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
  if (movable > 0) return EXIT.success;
  say(`there is nothing to ${move.verb}`);
  return EXIT.refused;
}

function toldMove(move: Move, moved: LettersMoved, json: boolean): number {
  const { outcome, matched } = moved;
  switch (outcome) {
    case 'done': {
      const { actionId, moved: done } = moved;
      if (json) {
        printJson({ executed: true, matched, letters: done, action: jsonInteger(actionId) });
      } else {
        process.stdout.write(
          `${letters(done)} ${move.verb}ed${exceptions(move, matched - done)}, action ${actionId}\n`,
        );
        if (move.verb === 'discard') say(`to undo it: restore --discard ${actionId}`);
      }
      return EXIT.success;
    }
    case 'not-confirmed':
      if (json) printJson({ executed: false, outcome, matched, letters: moved.moved });
      say(
        `it would ${move.verb} ${letters(moved.moved)}: if that is meant, add --confirm ${moved.moved}`,
      );
      return EXIT.refused;
    case 'nothing-to-do':
      if (json) printJson({ executed: false, outcome, matched, letters: 0 });
      say(`there is nothing to ${move.verb}${exceptions(move, matched)}`);
      return EXIT.refused;
    default:
      return outcome satisfies never;
  }
}

function exceptions(move: Move, number: number): string {
  return number > 0 ? ` (not ${letters(number)}: ${move.exception})` : '';
}
