import { isUtf8 } from 'node:buffer';
import { parseCommand, printJson, say } from '@adtally/command-line';
import { revealLetter, showLetter, type LetterRecord } from '@adtally/letters';
import { EXIT } from '../exit-codes.ts';
import { oneId, operatorOf, readReason } from '../options.ts';
import type { Command } from '../context.ts';
import { shownJson, shownText } from '../shown-letter.ts';
import { printable, withoutControls } from '../words.ts';

/** `dead-letters show <id>`: everything of one letter; its bytes only with `--reveal` and a reason. */
export const show: Command = (args) => {
  const { values, positionals } = parseCommand(
    args,
    {
      json: { type: 'boolean', default: false },
      reveal: { type: 'boolean', default: false },
      reason: { type: 'string' },
      actor: { type: 'string' },
    },
    true,
  );
  const letterId = oneId('letter', positionals);
  const signature = values.reveal ? readReason(values) : null;
  return async ({ db, config }) => {
    const shown = await showLetter(db, letterId);
    if (shown === undefined) {
      if (values.json) printJson({ found: false });
      say(`there is no letter ${letterId}`);
      return EXIT.refused;
    }
    if (signature === null) {
      if (values.json) printJson({ found: true, ...shownJson(shown) });
      else process.stdout.write(`${shownText(shown)}\n`);
      return EXIT.ok;
    }
    const record = await revealLetter(db, operatorOf(signature, config), letterId);
    if (record === undefined) {
      if (values.json) printJson({ found: true, ...shownJson(shown), revealed: null });
      say(`the bytes of letter ${letterId} have expired`);
      return EXIT.refused;
    }
    if (values.json) printJson({ found: true, ...shownJson(shown), revealed: recordJson(record) });
    else process.stdout.write(`${shownText(shown)}\n\n${recordText(record)}\n`);
    return EXIT.ok;
  };
};

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
