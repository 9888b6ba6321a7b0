import type { IAdminClient } from '@confluentinc/kafka-javascript';
import { ClientWords, type TalkingClient } from './client-words.ts';
import { isNoAnswer, type KafkaError } from './errors.ts';
import { NoticeBoard, type OnNotice } from './notices.ts';
import { AdminClient, CODE } from './rdkafka.ts';
import { renewCredentials, type SaslClient } from './renew-credentials.ts';
import { commonConfig, type KafkaSettings } from './settings.ts';
import { TokenGate } from './token-gate.ts';

export interface AdminOptions {
  /** How long one request may take, in ms, asked twice where the first broker is silent. */
  readonly requestTimeoutMs?: number | undefined;
  readonly onNotice?: OnNotice | undefined;
}

/** The client's methods that its declarations leave out: it is a client like the others. */
type CommonClient = SaslClient &
  TalkingClient & {
    getMetadata(
      options: { allTopics: boolean; timeout: number },
      done: (error: unknown) => void,
    ): void;
  };

type Done<T> = (error: unknown, result: T) => void;
/** Sends one request that may take so long. */
type Send<T> = (client: IAdminClient, timeoutMs: number, done: Done<T>) => void;

const REQUEST_TIMEOUT_MS = 10_000;
/** A living broker answers in milliseconds. One that is silent for so long is left for another. */
const FIRST_TRY_SHARE = 0.3;
/** A connection is cut after that silence, before the first try ends: the client asks no other while one stands. */
const SILENCE_SHARE = 0.2;
const MIN_SILENCE_MS = 1_000;
const LOOK_AROUND_SHARE = 0.15;
const LOOK_AROUND_TRIES = 2;
/** How often the client asks which brokers there are, without being told to. The least it takes is 10 s. */
const REFRESH_MS = 10_000;
/**
 * Else a request that waits for a broker that is gone asks for a connection at each change of the broker's state, and
 * that forgets the pause between two tries: most of a core, for as long as the broker is away. The client's
 * declarations leave it out.
 */
const ALL_CONNECTED: Readonly<Record<string, unknown>> = { 'enable.sparse.connections': false };

/**
 * Sends the requests of an administration client to a broker that lives.
 *
 * The client sends almost all to the one broker it was told is the controller (with KRaft any one) when it asked for
 * metadata last, and waits for it also where it is dead. A client that knows of no topic asks again every five
 * minutes, not when a connection breaks. So after a silence it is made to ask whichever broker is up.
 */
export class AdminRequests {
  readonly words: ClientWords;
  readonly #client: IAdminClient;
  readonly #timeoutMs: number;
  readonly #gate: TokenGate | null;
  /** Settles with the request in hand, or the last one waiting. */
  #inHand: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(settings: KafkaSettings, options: AdminOptions) {
    this.#timeoutMs = options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS;
    const { config, gate } = TokenGate.in(commonConfig(settings));
    this.#gate = gate;
    this.#client = AdminClient.create({
      ...config,
      'topic.metadata.refresh.interval.ms': REFRESH_MS,
      ...ALL_CONNECTED,
      'socket.timeout.ms': Math.max(MIN_SILENCE_MS, Math.ceil(this.#timeoutMs * SILENCE_SHARE)),
    });
    this.words = new ClientWords(this.#common(), new NoticeBoard(options.onNotice));
    renewCredentials(this.#common(), settings);
  }

  /** Asks a question, once more where nobody answered. Rejects with a `KafkaError`. */
  async question<T>(doing: string, send: Send<T>): Promise<T> {
    const startedMs = performance.now();
    try {
      return await this.#once(doing, this.#timeoutMs * FIRST_TRY_SHARE, send);
    } catch (error) {
      if (!isNoAnswer(error) || this.#closed) throw error;
    }
    await this.#lookAround();
    const leftMs = this.#timeoutMs - (performance.now() - startedMs);
    return await this.#once(doing, Math.max(leftMs, this.#timeoutMs / 2), send);
  }

  /** Orders a change, which is sent once: where nobody answered it may have happened. */
  async order(doing: string, send: Send<void>): Promise<void> {
    if (this.words.trouble !== null) await this.#lookAround();
    await this.#once(doing, this.#timeoutMs, send);
  }

  /** The typed error, with the client's words where there was no answer. */
  explain(error: unknown, doing: string): KafkaError {
    return this.words.explain(error, doing);
  }

  /** Closing twice is harmless. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#client.disconnect();
  }

  /**
   * One after the other: the client takes one at a time, and those behind it would wait on threads of the pool
   * that fetches need, too.
   */
  #once<T>(doing: string, timeoutMs: number, send: Send<T>): Promise<T> {
    const asked = this.#inHand.then(() => this.#send(doing, timeoutMs, send));
    this.#inHand = asked.catch(() => undefined);
    return asked;
  }

  async #send<T>(doing: string, timeoutMs: number, send: Send<T>): Promise<T> {
    const message = (await this.#gate?.open(timeoutMs)) ?? null;
    if (message !== null) throw this.explain({ code: CODE.timedOut, message }, doing);
    return await new Promise((resolve, reject) => {
      const done: Done<T> = (error, result) => {
        if (error) {
          reject(this.explain(error, doing));
          return;
        }
        this.words.worked();
        resolve(result);
      };
      try {
        send(this.#client, Math.ceil(timeoutMs), done);
      } catch (error) {
        reject(this.explain(error, doing));
      }
    });
  }

  /** Asks any broker that is up which ones there are; that all fail is told by the request that follows. */
  async #lookAround(): Promise<void> {
    if (this.#gate?.isOpen === false) return;
    for (let left = LOOK_AROUND_TRIES; left > 0 && !this.#closed; left--) {
      if (await this.#hasMetadata()) return;
    }
  }

  #hasMetadata(): Promise<boolean> {
    const timeout = Math.ceil(this.#timeoutMs * LOOK_AROUND_SHARE);
    return new Promise((resolve) =>
      this.#common().getMetadata({ allTopics: false, timeout }, (error) => resolve(!error)),
    );
  }

  #common(): CommonClient {
    return this.#client as unknown as CommonClient;
  }
}
