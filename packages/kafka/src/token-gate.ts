import { setTimeout } from 'node:timers/promises';
import type { NativeConfig } from './rdkafka.ts';

const CALLBACK = 'oauthbearer_token_refresh_cb';

type Give = (error: Error | null, token?: { readonly lifetime: number }) => void;
type Callback = (config: string, give: Give) => void;

/**
 * Whether an administration client has a token. It holds a lock while a request waits for its answer, and giving it a
 * token takes the same lock in our own thread: a request that waits for the first token would hold up the whole process
 * until it times out. So none is sent before.
 */
export class TokenGate {
  #untilMs = 0;
  #failure: string | null = null;
  #told = Promise.withResolvers<void>();

  /** The configuration of a client whose tokens pass here; null where it needs none. */
  static in(config: NativeConfig): { config: NativeConfig; gate: TokenGate | null } {
    const callback = config[CALLBACK] as Callback | undefined;
    if (callback === undefined) return { config, gate: null };
    const gate = new TokenGate();
    const watched: Callback = (text, give) =>
      callback(text, (error, token) => {
        give(error, token);
        gate.#tell(error, token?.lifetime ?? 0);
      });
    return { config: { ...config, [CALLBACK]: watched }, gate };
  }

  get isOpen(): boolean {
    return Date.now() < this.#untilMs;
  }

  /** Returns once the client has a token, or why it has none. */
  async open(timeoutMs: number): Promise<string | null> {
    if (this.isOpen) return null;
    if (this.#failure === null) {
      const late = new AbortController();
      const over = setTimeout(timeoutMs, undefined, { signal: late.signal }).catch(() => undefined);
      await Promise.race([this.#told.promise, over]);
      late.abort();
    }
    return this.isOpen ? null : (this.#failure ?? 'no token came in time');
  }

  #tell(error: Error | null, expiresAtMs: number): void {
    this.#failure = error === null ? null : error.message;
    if (error === null) this.#untilMs = expiresAtMs;
    this.#told.resolve();
    this.#told = Promise.withResolvers();
  }
}
