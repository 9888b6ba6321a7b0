import { redact } from '@adtally/config';
import { plain } from '../plain-text.ts';
import type { SendOutcome } from './sink.ts';

export interface PostOptions {
  readonly url: string;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

const TRANSIENT_STATUSES = new Set([408, 425, 429]);
const RETRY_AFTER_MAX_MS = 3_600_000;
const ANSWER_MAX = 200;
const ANSWER_READ_MAX = 16_384;

/** One POST of JSON, classified. Never rejects; what it tells of an error holds no URL. */
export async function postJson(options: PostOptions): Promise<SendOutcome> {
  try {
    const { url, headers } = withoutCredentials(options.url);
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers, ...options.headers },
      body: JSON.stringify(options.body),
      // Followed, a POST would become a GET and say nothing.
      redirect: 'manual',
      signal: AbortSignal.any([options.signal, AbortSignal.timeout(options.timeoutMs)]),
    });
    if (response.ok) {
      await response.body?.cancel().catch(() => undefined);
      return { kind: 'sent' };
    }
    const error = plain(`HTTP ${response.status} ${await firstWords(response)}`, ANSWER_MAX);
    if (response.status >= 500 || TRANSIENT_STATUSES.has(response.status)) {
      return { kind: 'unavailable', error, retryAfterMs: retryAfterMs(response.headers) };
    }
    return { kind: 'refused', error };
  } catch (error) {
    return { kind: 'unavailable', error: reason(error), retryAfterMs: null };
  }
}

/** Seconds or a date; a date is taken against the sink's own clock, ours may be wrong. */
export function retryAfterMs(headers: Headers): number | null {
  const value = headers.get('retry-after')?.trim() ?? '';
  if (/^\d{1,9}$/.test(value)) return Math.min(Number(value) * 1000, RETRY_AFTER_MAX_MS);
  const atMs = Date.parse(value);
  const sinksNowMs = Date.parse(headers.get('date') ?? '');
  if (Number.isNaN(atMs) || Number.isNaN(sinksNowMs)) return null;
  return Math.min(Math.max(atMs - sinksNowMs, 0), RETRY_AFTER_MAX_MS);
}

/** The start of the answer, for the log; the rest is not read. What it repeats of our secrets is hidden. */
async function firstWords(response: Response): Promise<string> {
  const reader = response.body?.getReader();
  if (reader === undefined) return '';
  try {
    const { value } = await reader.read();
    // Before it is cut: half a secret would not be found.
    return redact(Buffer.from(value ?? []).toString('utf8', 0, ANSWER_READ_MAX));
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

/** fetch takes no URL with a password in it: it becomes a header. */
function withoutCredentials(text: string): { url: URL; headers: Record<string, string> } {
  const url = new URL(text);
  if (url.username === '' && url.password === '') return { url, headers: {} };
  const pair = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  url.username = '';
  url.password = '';
  return { url, headers: { authorization: `Basic ${Buffer.from(pair).toString('base64')}` } };
}

function reason(error: unknown): string {
  if (!(error instanceof Error)) return 'failed';
  if (error.name === 'TimeoutError') return 'no answer in time';
  const { code } = (error.cause ?? {}) as { code?: unknown };
  return typeof code === 'string' ? code : error.name;
}
