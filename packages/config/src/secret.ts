import { readFileSync } from 'node:fs';
import type { EnvField, Reading } from './field.ts';
import { MASK } from './mask.ts';
import { keepSecret } from './redact.ts';

/**
 * A value that may change while the process runs: gives what it is now. Whoever connects with it asks each
 * time and keeps no copy.
 */
export type Secret = () => string;

/** What it is now; a text that never changes will do as well. */
export function reveal(value: string | Secret): string {
  return typeof value === 'string' ? value : value();
}

/**
 * A field whose value may also come from the file that `NAME_FILE` names: its content without the newline
 * at its end. The file is read again each time the value is asked for. One that cannot be read then, or
 * holds nothing or what is not allowed (it may be half written), leaves the value as it was: whether that one
 * still serves, the server says. Its last values are hidden by `redact`.
 */
export function secret(plain: EnvField<string>): EnvField<Secret> {
  const { variable } = plain;
  const fileVariable = `${variable}_FILE`;
  const keep = (value: string): void => {
    if (value !== '') keepSecret(value, plain.show(value) === MASK, variable);
  };
  return {
    ...plain,
    fileVariable,
    show: (value) => plain.show(value()),
    read(env) {
      const file = env[fileVariable] ?? '';
      if (file === '') {
        const reading = plain.read(env);
        if ('problems' in reading) return reading;
        keep(reading.value);
        return { value: () => reading.value };
      }
      if ((env[variable] ?? '') !== '') {
        return { problems: [`${variable} and ${fileVariable} are both set: give one of them`] };
      }
      const first = readSecretFile(plain, fileVariable, file);
      if ('problems' in first) return first;
      let current = first.value;
      keep(current);
      const value: Secret = () => {
        const again = readSecretFile(plain, fileVariable, file);
        if ('value' in again && again.value !== current) keep((current = again.value));
        return current;
      };
      return { value };
    },
  };
}

function readSecretFile(
  plain: EnvField<string>,
  fileVariable: string,
  file: string,
): Reading<string> {
  let content: string;
  try {
    content = readFileSync(file, 'utf8').replace(/\r?\n$/, '');
  } catch (error) {
    const { code = 'failed' } = error as NodeJS.ErrnoException;
    return { problems: [`${fileVariable}: cannot read ${JSON.stringify(file)} (${code})`] };
  }
  // An empty file is one that is being written, never the default: of a token that would be no guard at all.
  const reading = content === '' ? undefined : plain.read({ [plain.variable]: content });
  if (reading !== undefined && 'value' in reading) return reading;
  const holds = `what ${JSON.stringify(file)} holds is not allowed`;
  return { problems: [`${fileVariable}: ${holds}; give ${plain.allowed}`] };
}
