/** A token for SASL OAUTHBEARER. */
export interface OAuthToken {
  readonly value: string;
  /** Unix time in ms. */
  readonly expiresAtMs: number;
}

/** Gets a new token; rejects with one sentence that holds no secret. */
export type FetchToken = () => Promise<OAuthToken>;

/**
 * A token is renewed when less than this share of its life is left. The native client asks at 20 %; and a connection
 * made with a token lives as long as that one, so one that is nearly over would soon be made again.
 */
const RENEW_SHARE = 0.5;

/** So long a failure is told again instead of asking again: many connections try at once, and again and again. */
const FAILURE_STANDS_MS = 1_000;

/**
 * The tokens of one process, for all its clients: one at a time is fetched, and one that still serves is given again.
 */
export class TokenSource {
  readonly #fetch: FetchToken;
  /** Told to brokers along with the token. */
  readonly extensions: Readonly<Record<string, string>>;
  #token: OAuthToken | null = null;
  #renewAtMs = 0;
  #fetching: Promise<OAuthToken> | null = null;
  #failure: { readonly error: unknown; readonly atMs: number } | null = null;

  constructor(fetch: FetchToken, extensions: Readonly<Record<string, string>> = {}) {
    this.#fetch = fetch;
    this.extensions = extensions;
  }

  /** @throws NoToken */
  current(): Promise<OAuthToken> {
    if (this.#token !== null && Date.now() < this.#renewAtMs) return Promise.resolve(this.#token);
    const { error, atMs } = this.#failure ?? { error: null, atMs: 0 };
    if (Date.now() < atMs + FAILURE_STANDS_MS) return Promise.reject(error as Error);
    this.#fetching ??= this.#renew().finally(() => {
      this.#fetching = null;
    });
    return this.#fetching;
  }

  async #renew(): Promise<OAuthToken> {
    const nowMs = Date.now();
    const token = await this.#fetch().catch((error: unknown) => {
      this.#failure = { error, atMs: Date.now() };
      throw error;
    });
    this.#token = token;
    this.#renewAtMs = token.expiresAtMs - (token.expiresAtMs - nowMs) * RENEW_SHARE;
    return token;
  }
}

/** Who gives tokens does not answer, or gives none: the words of `troubleCode` tell these two apart. */
export class NoToken extends Error {
  override readonly name = 'NoToken';
}
