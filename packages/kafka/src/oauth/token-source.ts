/** A token for SASL OAUTHBEARER. */
export interface OAuthToken {
  readonly value: string;
  /** Unix time in ms. */
  readonly expiresAtMs: number;
}

/** Who gives tokens. */
export interface TokenGiver {
  /** As the words of a failure have it: `... is away`. */
  readonly name: string;
  /**
   * Gets a new token; rejects with one sentence that holds no secret.
   *
   * @param signal aborts once nobody waits for the answer any more
   */
  fetch(signal: AbortSignal): Promise<OAuthToken>;
}

/**
 * A token is renewed when less than this share of its life is left. The native client asks at 20 %; and a connection
 * made with a token lives as long as that one, so one that is nearly over would soon be made again.
 */
const RENEW_SHARE = 0.5;
/** Not every giver bounds what it does: a fetch that never ends would keep every client waiting. */
const FETCH_MAX_MS = 10_000;
/** Who has a token that serves waits for a newer one so long: less than a connection has to come about. */
const NEWER_WAIT_MS = 2_000;
/** So long a failure is told again instead of asking again: many connections try at once, and again and again. */
const FAILURE_STANDS_MS = 1_000;

/**
 * The tokens of one process, for all its clients: one at a time is fetched, and one that still serves is given again.
 */
export class TokenSource {
  readonly #giver: TokenGiver;
  /** Told to brokers along with the token. */
  readonly extensions: Readonly<Record<string, string>>;
  #token: OAuthToken | null = null;
  #renewAtMs = 0;
  /** Under way, or failed a moment ago. */
  #renewing: Promise<OAuthToken> | null = null;
  #failedAtMs: number | null = null;

  constructor(giver: TokenGiver, extensions: Readonly<Record<string, string>> = {}) {
    this.#giver = giver;
    this.extensions = extensions;
  }

  /** Unix time in ms at which the token in hand ends, or ended; null = none was ever given. */
  get expiresAtMs(): number | null {
    return this.#token?.expiresAtMs ?? null;
  }

  /**
   * A token that serves: a new one in the second half of its life, the old one to its end where no new one can be had.
   *
   * @throws NoToken
   */
  async current(): Promise<OAuthToken> {
    const old = this.#token;
    if (old !== null && Date.now() < this.#renewAtMs) return old;
    const renewing = this.#renewal();
    if (old === null || hasExpired(old)) return await renewing;
    try {
      return await within(NEWER_WAIT_MS, renewing, 'no newer token yet');
    } catch {
      return hasExpired(old) ? await renewing : old;
    }
  }

  #renewal(): Promise<OAuthToken> {
    const isOver = this.#failedAtMs !== null && Date.now() >= this.#failedAtMs + FAILURE_STANDS_MS;
    if (this.#renewing === null || isOver) this.#renewing = this.#renew();
    return this.#renewing;
  }

  async #renew(): Promise<OAuthToken> {
    this.#failedAtMs = null;
    const nowMs = Date.now();
    const late = new AbortController();
    const words = `${this.#giver.name} is away: no answer within ${FETCH_MAX_MS / 1_000} s`;
    try {
      const token = await within(FETCH_MAX_MS, this.#giver.fetch(late.signal), words);
      this.#token = token;
      this.#renewAtMs = token.expiresAtMs - (token.expiresAtMs - nowMs) * RENEW_SHARE;
      this.#renewing = null;
      return token;
    } catch (error) {
      this.#failedAtMs = Date.now();
      throw error;
    } finally {
      late.abort();
    }
  }
}

function hasExpired({ expiresAtMs }: OAuthToken): boolean {
  return Date.now() >= expiresAtMs;
}

/** @throws NoToken with these words where the work takes longer */
async function within<T>(limitMs: number, work: Promise<T>, words: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new NoToken(words)), limitMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Who gives tokens does not answer, or gives none: the words of `troubleCode` tell these two apart. */
export class NoToken extends Error {
  override readonly name = 'NoToken';
}
