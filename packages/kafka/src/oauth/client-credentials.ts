import { reveal, type Secret } from '@adtally/config';
import { NoToken, type OAuthToken, type TokenGiver } from './token-source.ts';

export interface ClientCredentials {
  readonly tokenUrl: string;
  readonly clientId: string;
  readonly clientSecret: string | Secret;
  /** '' = none is asked for. */
  readonly scope: string;
}

/** RFC 6749, section 5.1 and 5.2. */
interface TokenAnswer {
  readonly access_token?: unknown;
  readonly expires_in?: unknown;
  readonly error?: unknown;
}

/** Of a token whose life nobody tells. */
const UNKNOWN_LIFE_MS = 60_000;
const SECOND_MS = 1_000;

/** Tokens by OAuth's client credentials grant (RFC 6749, section 4.4), the secret read anew each time. */
export function clientCredentials(credentials: ClientCredentials): TokenGiver {
  const name = `token endpoint ${credentials.tokenUrl}`;
  return { name, fetch: (signal) => fetchToken(name, credentials, signal) };
}

async function fetchToken(
  name: string,
  credentials: ClientCredentials,
  signal: AbortSignal,
): Promise<OAuthToken> {
  const nowMs = Date.now();
  const { status, ok, body } = await ask(name, credentials, signal);
  if (status >= 500) throw new NoToken(`${name} is away: it answers ${status}`);
  const { access_token: value, expires_in: expiresIn, error } = answerOf(body);
  if (!ok || typeof value !== 'string') {
    const why = typeof error === 'string' ? ` ${error}` : '';
    throw new NoToken(`${name} refuses KAFKA_OAUTH_CLIENT_ID: it answers ${status}${why}`);
  }
  return { value, expiresAtMs: expiry(value, expiresIn, nowMs) };
}

async function ask(
  name: string,
  { tokenUrl, clientId, clientSecret, scope }: ClientCredentials,
  signal: AbortSignal,
) {
  // Each part is encoded as in a form: section 2.3.1.
  const [user, password] = [clientId, reveal(clientSecret)].map(encodeURIComponent);
  const basic = Buffer.from(`${user}:${password}`).toString('base64');
  const form = new URLSearchParams({ grant_type: 'client_credentials' });
  if (scope !== '') form.set('scope', scope);
  try {
    const response = await fetch(tokenUrl, {
      method: 'POST',
      headers: { authorization: `Basic ${basic}`, accept: 'application/json' },
      body: form,
      redirect: 'error',
      signal,
    });
    // An answer that breaks off is none, whatever its head said.
    return { status: response.status, ok: response.ok, body: await response.text() };
  } catch (error) {
    const { message, cause } = error as Error;
    const why = cause instanceof Error && cause.message !== '' ? cause.message : message;
    // Its cause stays here: it may hold what was sent.
    throw new NoToken(`${name} is away: ${why}`);
  }
}

function answerOf(body: string): TokenAnswer {
  try {
    return (JSON.parse(body) ?? {}) as TokenAnswer;
  } catch {
    return {};
  }
}

/** As the answer tells it, else as the token itself does where it is a JWT. */
function expiry(token: string, expiresIn: unknown, nowMs: number): OAuthToken['expiresAtMs'] {
  if (typeof expiresIn === 'number' && expiresIn > 0) return nowMs + expiresIn * SECOND_MS;
  try {
    const payload = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString();
    const { exp } = JSON.parse(payload) as { exp?: unknown };
    if (typeof exp === 'number') return exp * SECOND_MS;
  } catch {
    // No JWT: the broker alone can read it.
  }
  return nowMs + UNKNOWN_LIFE_MS;
}
