import { KafkaRequestError } from '../errors.ts';
import { CODE } from '../rdkafka.ts';
import type { Hindrance } from '../record-source.ts';
import { troubleCode } from '../trouble.ts';

const CAUSES_MAX = 6;

/** What failed, from the outermost to the innermost: the outer ones say only that a connection failed. */
export function reasonOf(error: unknown): string {
  const words: string[] = [];
  let current: unknown = error;
  while (current instanceof Error && words.length < CAUSES_MAX) {
    const said = current.message.replace(/\.$/, '');
    if (said !== '' && words.at(-1) !== said) words.push(said);
    current = current instanceof AggregateError ? current.errors[0] : current.cause;
  }
  return words.length === 0 ? String(error) : words.join(': ');
}

/** What a connection or a request that failed means for those who wait for it; `who` names the other side. */
export function unreachable(error: unknown, who?: string): Hindrance {
  const reason = reasonOf(error);
  const code = troubleCode(reason);
  return {
    code: code === 'client_error' ? 'broker_unreachable' : code,
    detail: who === undefined ? reason : `${who}: ${reason}`,
  };
}

/** The error of a request that no broker answered, whose trouble says why; one that is typed already stays. */
export function connectionError(cause: unknown, doing: string): KafkaRequestError {
  if (cause instanceof KafkaRequestError) return cause;
  const message = reasonOf(cause);
  const error = new KafkaRequestError(`${doing}: ${message}`, CODE.transport, true, { cause });
  error.trouble = { code: troubleCode(message), message, atMs: Date.now() };
  return error;
}
