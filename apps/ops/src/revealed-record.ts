import { isUtf8 } from 'node:buffer';
import type { LetterRecord } from '@adtally/letters';
import { printable, withoutControls } from './words.ts';

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

/** A record's bytes as JSON: text where they are UTF-8, else base64. */
export function revealedJson({ key, value, headers }: LetterRecord): object {
  return {
    key: reveal(key),
    value: reveal(value),
    headers: headers.flatMap((header) =>
      Object.entries(header).map(([name, bytes]) => ({ name, value: reveal(bytes) })),
    ),
  };
}

/** A record's bytes for people, a line each for key, headers and value. */
export function revealedText({ key, value, headers }: LetterRecord): string {
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
