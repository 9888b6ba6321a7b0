import { isUtf8 } from 'node:buffer';
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
import { revealLetter, showLetter, type LetterRecord } from '@adtally/letters';
import { operatorOf, OPTIONAL_SIGNATURE_OPTIONS, readSignature } from '../order-options.ts';
import { onDatabase, type OpsContext, type OpsEnvironment } from '../on-database.ts';
import { shownJson, shownText } from '../shown-letter.ts';
import { printable, withoutControls } from '../words.ts';

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
  if (json) printJson({ found: true, ...shownJson(shown), revealed: recordJson(record) });
  else process.stdout.write(`${shownText(shown)}\n\n${recordText(record)}\n`);
  return EXIT.success;
}

interface Revealed {
  readonly encoding: 'utf-8' | 'base64';
  readonly text: string;
}

function reveal(bytes: Buffer | string | null | undefined): Revealed | null {
  if (bytes === null || bytes === undefined) return null;
  const buffer = Buffer.from(bytes as Buffer);
  return isUtf8(buffer)
    ? { encoding: 'utf-8', text: buffer.toString('utf8') }
    : { encoding: 'base64', text: buffer.toString('base64') };
}

function recordJson({ key, value, headers }: LetterRecord): object {
  return {
    key: reveal(key),
    value: reveal(value),
    headers: headers.flatMap((header) =>
      Object.entries(header).map(([name, bytes]) => ({ name, value: reveal(bytes) })),
    ),
  };
}

function recordText({ key, value, headers }: LetterRecord): string {
  const line = (name: string, bytes: Buffer | string | null | undefined): string => {
    const revealed = reveal(bytes);
    if (revealed === null) return `${name}: null`;
    const note = revealed.encoding === 'base64' ? ' (base64)' : '';
    return `${name}${note}: ${withoutControls(revealed.text)}`;
  };
  return [
    line('key', key),
    ...headers.flatMap((header) =>
      Object.entries(header).map(([name, bytes]) => line(`header ${printable(name)}`, bytes)),
    ),
    line('value', value),
  ].join('\n');
}
