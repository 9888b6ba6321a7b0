import { setTimeout as delay } from 'node:timers/promises';
import {
  classify,
  codeOf,
  type KafkaError,
  KafkaFatalError,
  messageOf,
  withWords,
} from './errors.ts';
import type { NoticeBoard } from './notices.ts';
import { isOfConnections, type Trouble, troubleCode, type TroubleCode } from './trouble.ts';

/** A line of the client's log; `fac` names its subject. */
interface LogLine {
  readonly fac?: string;
  readonly message?: string;
  /** As syslog has it: 0 emergency to 7 debug. */
  readonly severity?: number;
}

/** What of a native client this needs. */
export interface TalkingClient {
  on(event: 'event.error', listener: (error: unknown) => void): unknown;
  on(event: 'event.log', listener: (line: LogLine) => void): unknown;
  /** Of a token that could not be had: without a listener it would end the process. */
  on(event: 'error', listener: (error: unknown) => void): unknown;
}

/** A connection was lost or refused; a producer got no id; a request, the TLS set-up, an API version failed. */
const TELLING = new Set(['FAIL', 'FATAL', 'GETPID', 'SSL', 'SSLCERTVRFY', 'APIVERSION', 'ERROR']);
const INFO = 6;
/** The client holds an equal line back for 30 s, so a connection it said nothing more of works or is not tried. */
const LAPSES_AFTER_MS = 90_000;
/** What a log line carries beside its words: the thread, and how often and in which state. */
const THREAD = /^\[thrd:[^\]]*\]: (?:\[[^\]]*\]: )?/;
const COUNTS = / \(after \d+ms in state ([A-Z_]+)(?:, \d+ identical error\(s\) suppressed)?\)$/;
/** A TLS listener hangs up on the first request of a client without TLS; the client's own hint is never printed. */
const FIRST_REQUEST = 'APIVERSION_QUERY';
const HINT = ' before its first answer: a TLS listener reached without TLS?';
/** Said of a mere disconnect, too. */
const VAGUE: ReadonlySet<TroubleCode> = new Set<TroubleCode>(['broker_unreachable', 'tls_failed']);
/** A log line comes through another queue than the answers to calls. */
const FATAL_WORDS_MS = 1_000;
const FATAL_WORDS_POLL_MS = 20;
/** So long a named cause stands against bare disconnects, which the same connection may end with. */
const CAUSE_STANDS_MS = 45_000;
/** What it says of all connections at once, without any one's reason. */
const WITHOUT_REASON =
  /brokers? (?:connections )?are down|^(?:local: )?(?:(?:host resolution|broker transport|authentication) failure|ssl error|timed out)$/i;

/**
 * Remembers why a client cannot work. Its requests end with "timed out" and its errors name a kind alone; the
 * reason of a connection that failed is in its log and nowhere else.
 */
export class ClientWords {
  readonly #notices: NoticeBoard;
  #last: Trouble | null = null;
  /** The last words stand for a time-out also after another broker answered. */
  #refuted = false;
  #fatal: string | undefined;

  constructor(client: TalkingClient | null, notices: NoticeBoard) {
    this.#notices = notices;
    if (client !== null) this.listenTo(client);
  }

  /** Takes the words of a client, from now on also of this one: it is new and has not given up. */
  listenTo(client: TalkingClient): void {
    this.#fatal = undefined;
    client.on('event.error', (error) => this.note(error));
    client.on('event.log', (line) => this.#onLog(line));
    client.on('error', (error) => this.note(error));
  }

  /** What keeps the client from its work now, or null where nothing is known to. */
  get trouble(): Trouble | null {
    return this.#refuted ? null : this.#fresh();
  }

  get hasGivenUp(): boolean {
    return this.#fatal !== undefined;
  }

  /** The error of a client that gave up for good: only its log says why. */
  fatal(error: unknown): KafkaFatalError {
    const text = `the Kafka client gave up: ${this.#fatal ?? messageOf(error)}`;
    return new KafkaFatalError(text, codeOf(error), { cause: error });
  }

  /**
   * Throws where the client gave up for good. Its error comes once, as the answer to a call, and is dropped where
   * the call has records already; from then on calls just find nothing.
   */
  throwIfGivenUp(): void {
    if (this.hasGivenUp) throw this.fatal(null);
  }

  /** The same once the log has said it: a call may fail before the line of it is handed over. */
  async fatalOnceSaid(error: unknown): Promise<KafkaFatalError> {
    const deadline = performance.now() + FATAL_WORDS_MS;
    while (!this.hasGivenUp && performance.now() < deadline) await delay(FATAL_WORDS_POLL_MS);
    return this.fatal(error);
  }

  /** Takes note of an error, and hands it on as a notice unless a better one was. */
  note(
    error: unknown,
    kind: 'connection' | 'consume' | 'produce' = 'connection',
    doing?: string,
  ): void {
    const message = doing === undefined ? messageOf(error) : `${doing}: ${messageOf(error)}`;
    const known = this.#fresh();
    if (known !== null && saysNothingNew(message, known)) {
      this.#last = { ...known, atMs: Date.now() };
      this.#refuted = false;
      return;
    }
    this.#remember(message);
    this.#notices.post(kind, error);
  }

  /** A broker answered: what was said of connections is over. */
  reached(): void {
    if (this.#last !== null && isOfConnections(this.#last.code)) this.#refuted = true;
  }

  /** The client did what it is for: whatever was said is over. */
  worked(): void {
    this.#refuted = true;
  }

  /** The typed error of a failed call; one that got no answer carries the words. Never throws. */
  explain(error: unknown, doing: string): KafkaError {
    const known = this.#fresh();
    // A right that was missing and is there again explains no silence; a broker that is down does, whoever else answers.
    const isCause = known !== null && (!this.#refuted || isOfConnections(known.code));
    return withWords(classify(error, doing), isCause ? known : null);
  }

  #onLog({ fac = '', message = '', severity = INFO }: LogLine): void {
    if (!TELLING.has(fac) || severity > INFO) return;
    const words = wordsOf(message);
    if (fac === 'FATAL') this.#fatal = words;
    this.#remember(words);
    this.#notices.post('connection', new Error(words));
  }

  #remember(message: string): void {
    const next = { code: troubleCode(message), message, atMs: Date.now() };
    if (VAGUE.has(next.code) && this.#namesCause()) return;
    this.#last = next;
    this.#refuted = false;
  }

  #namesCause(): boolean {
    const last = this.trouble;
    if (last === null || VAGUE.has(last.code)) return false;
    return isOfConnections(last.code) && Date.now() - last.atMs < CAUSE_STANDS_MS;
  }

  #fresh(): Trouble | null {
    const last = this.#last;
    if (last === null) return null;
    return isOfConnections(last.code) && Date.now() - last.atMs > LAPSES_AFTER_MS ? null : last;
  }
}

function wordsOf(message: string): string {
  const words = message.replace(THREAD, '');
  const state = COUNTS.exec(words)?.[1];
  const hint = state === FIRST_REQUEST && words.includes('Disconnected') ? HINT : '';
  return words.replace(COUNTS, '') + hint;
}

/** The client's events have of what its log says only the kind. */
function saysNothingNew(message: string, known: Trouble): boolean {
  if (WITHOUT_REASON.test(message)) return isOfConnections(known.code);
  const isShorter = known.message.length > message.length;
  return isShorter && known.message.toLowerCase().includes(message.toLowerCase());
}
