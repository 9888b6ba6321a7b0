import {
  command,
  EXIT,
  flag,
  id,
  JSON_OPTION,
  operand,
  printJson,
  say,
} from '@adtally/command-line';
import { revealLetter, showLetter } from '@adtally/letters';
import { operatorOf, OPTIONAL_SIGNATURE_OPTIONS, readSignature } from '../order-options.ts';
import { onDatabase, type OpsContext, type OpsEnvironment } from '../on-database.ts';
import { revealedJson, revealedText } from '../revealed-record.ts';
import { shownJson, shownText } from '../shown-letter.ts';

/** One letter; its bytes only with `--reveal` and a reason. */
export const show = command({
  operands: { id: operand(id('letter'), 'which letter') },
  options: {
    reveal: flag('print its bytes; needs --reason, and is noted'),
    ...OPTIONAL_SIGNATURE_OPTIONS,
    ...JSON_OPTION,
  },
  run: async ({ operands, options }, environment: OpsEnvironment) => {
    const signature = options.reveal ? readSignature(options) : null;
    return await onDatabase(environment, (context) =>
      shownOn(context, operands.id, signature, options.json),
    );
  },
});

async function shownOn(
  { db, config }: OpsContext,
  letterId: string,
  signature: ReturnType<typeof readSignature> | null,
  json: boolean,
): Promise<number> {
  const shown = await showLetter(db, letterId);
  if (shown === undefined) {
    if (json) printJson({ found: false });
    say(`there is no letter ${letterId}`);
    return EXIT.refused;
  }
  if (signature === null) {
    if (json) printJson({ found: true, ...shownJson(shown) });
    else process.stdout.write(`${shownText(shown)}\n`);
    return EXIT.success;
  }
  const record = await revealLetter(db, operatorOf(signature, config), letterId);
  if (record === undefined) {
    if (json) printJson({ found: true, ...shownJson(shown), revealed: null });
    say(`the bytes of letter ${letterId} have expired`);
    return EXIT.refused;
  }
  if (json) printJson({ found: true, ...shownJson(shown), revealed: revealedJson(record) });
  else process.stdout.write(`${shownText(shown)}\n\n${revealedText(record)}\n`);
  return EXIT.success;
}
