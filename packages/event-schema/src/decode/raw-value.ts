import { OddNumber, type RawValue } from '../versions.ts';
import { stringValue } from './token-pass.ts';

const PLAIN_INTEGER = /^(?:0|-?[1-9][0-9]*)$/;

/** Longer integers are far outside every limit; reading their digits would only cost time. */
const INTEGER_CHARACTERS_MAX = 20;

const ENDLESS = 10n ** BigInt(INTEGER_CHARACTERS_MAX);

/** The value of a JSON token the token pass has accepted (and that holds no NaN): exact, never throws. */
export function rawValue(token: string): RawValue {
  const first = token[0];
  if (first === '"') return stringValue(token);
  if (first === '{' || first === '[') return JSON.parse(token) as object;
  if (token === 'true') return true;
  if (token === 'false') return false;
  if (token === 'null') return null;
  if (!PLAIN_INTEGER.test(token)) return new OddNumber(token);
  if (token.length > INTEGER_CHARACTERS_MAX) return first === '-' ? -ENDLESS : ENDLESS;
  return BigInt(token);
}
