import { pause, RecurringTask, RepeatedWords } from '@adtally/pacing';
import type { Service } from '@adtally/service';
import type { Logger, ProcessMetrics } from '@adtally/telemetry';
import {
  certificateFiles,
  endMsOf,
  type CertificateFile,
  type CredentialConfig,
} from './certificate-files.ts';

export interface CredentialParts {
  readonly config: CredentialConfig;
  readonly metrics: Pick<ProcessMetrics, 'certificateExpiry' | 'tokenExpiry'>;
  readonly log: Logger;
}

export interface CredentialPace {
  /** From the start to the first look: until then a process has better to do (docs/adr/0055). */
  readonly firstAfterMs: number;
  /** From look to look at the files. */
  readonly certificatesEveryMs: number;
  /** From look to look at the token. */
  readonly tokensEveryMs: number;
}

const PACE: CredentialPace = {
  firstAfterMs: 1_000,
  certificatesEveryMs: 60_000,
  tokensEveryMs: 5_000,
};
/** Longer than a token source waits for who gives tokens; a stop waits for neither. */
const TOKEN_WAIT_MS = 15_000;
const TOKEN = 'the token for Kafka';
const SECOND_MS = 1_000;

/**
 * Tells when what this process logs in by, or trusts by, ends: the certificates of the files it was given, which are
 * read anew because they are replaced while it runs, and the token in hand. The service waits for none of it.
 */
export class CredentialTeller implements Service {
  readonly name = 'credentials';
  readonly #parts: CredentialParts;
  readonly #tasks: readonly RecurringTask[];
  readonly #repeated = new RepeatedWords();
  /** What was last read of a file: one that cannot be read now is told on by that. */
  readonly #ends = new Map<string, number>();

  constructor(parts: CredentialParts, pace: CredentialPace = PACE) {
    this.#parts = parts;
    const task = (
      everyMs: number,
      what: string,
      run: (signal: AbortSignal) => Promise<void>,
    ): RecurringTask =>
      new RecurringTask({
        everyMs,
        firstAfterMs: pace.firstAfterMs,
        run,
        onError: (error) => this.#warn(what, error),
      });
    this.#tasks = [
      task(pace.certificatesEveryMs, 'DATABASE_URL', (signal) => this.#tellCertificates(signal)),
      task(pace.tokensEveryMs, TOKEN, (signal) => this.#tellToken(signal)),
    ];
  }

  async start(): Promise<void> {
    for (const task of this.#tasks) task.start();
  }

  async stop(): Promise<void> {
    await Promise.all(this.#tasks.map((task) => task.stop()));
  }

  async #tellCertificates(signal: AbortSignal): Promise<void> {
    const files = certificateFiles(this.#parts.config);
    await Promise.all(files.map((file) => this.#read(file, signal)));
    if (signal.aborted) return;
    const { certificateExpiry } = this.#parts.metrics;
    certificateExpiry.clear();
    for (const { server, role } of files) {
      const ends = files
        .filter((one) => one.server === server && one.role === role)
        .map((one) => this.#ends.get(keyOf(one)) ?? Infinity);
      const endMs = Math.min(...ends);
      if (endMs < Infinity) certificateExpiry.set(endMs / SECOND_MS, { server, role });
    }
  }

  async #read(file: CertificateFile, signal: AbortSignal): Promise<void> {
    try {
      this.#ends.set(keyOf(file), await endMsOf(file, signal));
      this.#repeated.end(file.path);
    } catch (error) {
      if (!signal.aborted) this.#warn(file.path, error);
    }
  }

  /** Asks as well: where no client needs a token for long, the one in hand would end without anything being wrong. */
  async #tellToken(signal: AbortSignal): Promise<void> {
    const tokens = this.#parts.config.kafka?.tokens;
    if (tokens === undefined) return;
    const asked = new AbortController();
    const over = AbortSignal.any([signal, asked.signal]);
    try {
      await Promise.race([tokens.current(), pause(TOKEN_WAIT_MS, over)]);
      this.#repeated.end(TOKEN);
    } finally {
      asked.abort();
      const { expiresAtMs } = tokens;
      if (expiresAtMs !== null) {
        this.#parts.metrics.tokenExpiry.set(expiresAtMs / SECOND_MS, { server: 'kafka' });
      }
    }
  }

  #warn(what: string, error: unknown): void {
    const words = error instanceof Error ? error.message : String(error);
    if (!this.#repeated.isDue(what, words, performance.now())) return;
    this.#parts.log.warn({ err: error, credential: what }, 'cannot tell when a credential ends');
  }
}

function keyOf({ role, path }: CertificateFile): string {
  return `${role} ${path}`;
}
