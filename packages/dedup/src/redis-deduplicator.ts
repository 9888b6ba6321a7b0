import type { Secret } from '@adtally/config';
import { ROUTE, type EventBatch } from '@adtally/event-schema';
import { Command } from 'ioredis';
import { BucketGroups } from './bucket-groups.ts';
import { CircuitBreaker } from './circuit-breaker.ts';
import type { Deduplicator, DedupEvent, FailureKind, RouteStats } from './deduplicator.ts';
import { EncodedCommand, EncodedMembers } from './encoded-command.ts';
import { bornSecond, bucketKey } from './fingerprint.ts';
import { FirstCopies } from './first-copies.ts';
import { RedisConnection } from './redis-connection.ts';
import { TouchedBuckets } from './touched-buckets.ts';
import { allVerified, routeAllVerified } from './verified.ts';
import { withinBudget } from './within-budget.ts';

export interface RedisDeduplicatorOptions {
  /** Its credentials are asked for at each connect where they may change. */
  readonly url: string | Secret;
  /** How long a key is remembered, from the last time its bucket got its TTL. */
  readonly ttlSeconds: number;
  /** How long `route` waits for an answer. */
  readonly budgetMs: number;
  /** Sets a second of impression birth is split into; a power of two up to 256. */
  readonly subBuckets: number;
  /** Begins every Redis key; different for each database that shares a Redis. */
  readonly keyPrefix: string;
  readonly onEvent: (event: DedupEvent) => void;
}

/**
 * A batch that touches more buckets than this asks only for those with several of its rows. Late
 * clicks lie one each in hundreds of buckets, and what costs is the command: about 4 us of our
 * thread to ask. Where the others may not be guessed to be new, each costs 4 us of PostgreSQL.
 */
const ASK_ALL_BUCKETS_MAX = 128;
const ASKED_ROWS_MIN = 3;
/**
 * What was born so long before the broker took it, and lies nearly alone in its bucket, is astray: neither asked
 * for nor marked. Its copies come later still, so none of them is asked for either.
 */
const ASTRAY_AFTER_SECONDS = 300;
const TIMEOUTS_BEFORE_PAUSE = 3;
const PAUSE_MS = 1_000;

/** Buffers for batches up to one capacity. */
interface Scratch {
  readonly capacity: number;
  readonly copies: FirstCopies;
  readonly groups: BucketGroups;
}

/** What is sent for a batch, and which of its answers are those to questions. */
interface Exchange {
  readonly commands: Command[];
  /** The place among the commands of each question, and the group it asks for. */
  readonly questions: { readonly at: number; readonly group: number }[];
}

/** Remembers keys as 32-bit fingerprints in Redis sets, one set a bucket (see fingerprint.ts). */
export class RedisDeduplicator implements Deduplicator {
  readonly #options: RedisDeduplicatorOptions;
  readonly #connection: RedisConnection;
  readonly #touched: TouchedBuckets;
  readonly #breaker = new CircuitBreaker(TIMEOUTS_BEFORE_PAUSE, PAUSE_MS);
  readonly #firstConnection = Promise.withResolvers<true>();
  readonly #members = new EncodedMembers();
  #scratch: Scratch | undefined;
  #isRouting = false;
  /** A question nobody waits for any more, but whose answer has not come. */
  #isAnswerOwed = false;

  constructor(options: RedisDeduplicatorOptions) {
    this.#options = options;
    this.#touched = new TouchedBuckets(options.ttlSeconds);
    this.#connection = new RedisConnection(options.url, {
      onConnected: () => {
        this.#touched.forgetAll(); // it may be another server, or an emptied one
        this.#firstConnection.resolve(true);
        options.onEvent({ type: 'connected' });
      },
      onDisconnected: (error) =>
        options.onEvent({ type: 'disconnected', ...(error === undefined ? {} : { error }) }),
    });
  }

  async ready(timeoutMs: number): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<false>((resolve) => {
      timer = setTimeout(() => resolve(false), timeoutMs);
    });
    const isReady = await Promise.race([this.#firstConnection.promise, late]);
    clearTimeout(timer);
    return isReady;
  }

  async route(batch: EventBatch): Promise<RouteStats> {
    if (this.#isRouting) throw new Error('route is already under way');
    this.#isRouting = true;
    try {
      return await this.#route(batch);
    } finally {
      this.#isRouting = false;
    }
  }

  async close(): Promise<void> {
    await this.#connection.close();
  }

  async #route(batch: EventBatch): Promise<RouteStats> {
    const events = routeAllVerified(batch);
    const nothing = (kind: FailureKind, error?: unknown): RouteStats => {
      this.#failed('route', kind, error);
      return allVerified(events, kind);
    };
    if (events === 0) return allVerified(0, 'answered');
    if (!this.#connection.isReady) return nothing('error');
    if (this.#isAnswerOwed || this.#breaker.isOpen(performance.now())) return nothing('skipped');

    const { copies, groups } = this.#scratchFor(batch);
    copies.find(batch);
    groups.collect(batch, copies.isFirst);
    const { commands, questions } = this.#exchangeFor(batch, groups);
    if (commands.length === 0) {
      const unasked = markUnasked(batch, groups, questions);
      return { fast: 0, verified: events - unasked, unasked, outcome: 'answered' };
    }
    this.#isAnswerOwed = true;
    const answer = this.#connection.exchange(commands).finally(() => (this.#isAnswerOwed = false));
    answer.then(
      (answers) => this.#noteMarks(answers, questions),
      // An EXPIRE may be among what failed.
      () => this.#touched.forgetAll(),
    );
    const reached = await withinBudget(answer, this.#options.budgetMs);
    if (reached.kind === 'timeout') {
      this.#breaker.failed(performance.now());
      return nothing('timeout');
    }
    if (reached.kind === 'error') return nothing('error', reached.error);
    this.#breaker.succeeded();
    const { fast, refused, refusals } = applyAnswers(batch, groups, questions, reached.value);
    if (refusals > 0 && refusals === questions.length) return nothing('error', refused);
    if (refusals > 0) this.#failed('route', 'error', refused);
    const unasked = markUnasked(batch, groups, questions);
    return { fast, verified: events - fast - unasked, unasked, outcome: 'answered' };
  }

  /** Asks for what is worth asking for, and marks all that is not astray, whether it is asked for or not. */
  #exchangeFor(batch: EventBatch, groups: BucketGroups): Exchange {
    const { keyPrefix, ttlSeconds } = this.#options;
    const nowMs = performance.now();
    const timely = [...Array(groups.count).keys()].filter(
      (group) => !isAstray(batch, groups, group),
    );
    const rowsMin = timely.length > ASK_ALL_BUCKETS_MAX ? ASKED_ROWS_MIN : 1;
    const commands: Command[] = [];
    const questions: Exchange['questions'] = [];
    for (const group of timely) {
      const bucket = groups.bucket(group);
      const key = bucketKey(keyPrefix, bucket);
      groups.encode(group, batch.eventKey, this.#members);
      if (groups.rows(group) >= rowsMin) {
        questions.push({ at: commands.length, group });
        commands.push(new EncodedCommand('smismember', key, this.#members));
      }
      commands.push(new EncodedCommand('sadd', key, this.#members));
      if (this.#touched.touch(bucket, nowMs))
        commands.push(new Command('expire', [key, String(ttlSeconds)]));
    }
    return { commands, questions };
  }

  /** Where a mark was refused, an EXPIRE may have been too. */
  #noteMarks(answers: readonly unknown[], questions: Exchange['questions']): void {
    const asked = new Set(questions.map(({ at }) => at));
    const refused = answers.find((answer, at) => answer instanceof Error && !asked.has(at));
    if (refused === undefined) return;
    this.#touched.forgetAll();
    this.#failed('mark', 'error', refused);
  }

  #scratchFor(batch: EventBatch): Scratch {
    if (this.#scratch === undefined || this.#scratch.capacity < batch.capacity) {
      const { capacity } = batch;
      this.#scratch = {
        capacity,
        copies: new FirstCopies(capacity),
        groups: new BucketGroups(capacity, this.#options.subBuckets),
      };
    }
    return this.#scratch;
  }

  #failed(operation: 'route' | 'mark', kind: FailureKind, error?: unknown): void {
    this.#options.onEvent({
      type: 'failure',
      operation,
      kind,
      ...(error instanceof Error ? { error } : {}),
    });
  }
}

function isAstray(batch: EventBatch, groups: BucketGroups, group: number): boolean {
  const second = bornSecond(groups.bucket(group));
  if (second === null || groups.rows(group) >= ASKED_ROWS_MIN) return false;
  const appendMs = batch.places.timestampMs[groups.firstRow(group)] as number;
  return appendMs / 1000 - second > ASTRAY_AFTER_SECONDS;
}

/** Returns how many rows they are. */
function markUnasked(
  batch: EventBatch,
  groups: BucketGroups,
  questions: Exchange['questions'],
): number {
  const asked = new Set(questions.map(({ group }) => group));
  let unasked = 0;
  for (let group = 0; group < groups.count; group += 1) {
    if (asked.has(group)) continue;
    groups.forEachRow(group, (row) => (batch.route[row] = ROUTE.unasked));
    unasked += groups.rows(group);
  }
  return unasked;
}

/** Sends the new keys the fast way; a bucket whose answer makes no sense stays verified. */
function applyAnswers(
  batch: EventBatch,
  groups: BucketGroups,
  questions: Exchange['questions'],
  answers: readonly unknown[],
): { fast: number; refusals: number; refused: unknown } {
  let fast = 0;
  let refusals = 0;
  let refused: unknown;
  for (const { at, group } of questions) {
    const seen = answers[at];
    if (!Array.isArray(seen) || seen.length !== groups.rows(group)) {
      refusals += 1;
      refused ??= seen;
      continue;
    }
    groups.forEachRow(group, (row, place) => {
      if (seen[place] !== 0) return;
      batch.route[row] = ROUTE.fast;
      fast += 1;
    });
  }
  return { fast, refusals, refused };
}
