import { AssignmentAnswers } from './assignment-answers.ts';
import { ClientWords } from './client-words.ts';
import { consumerConfig, type GroupConsumerOptions } from './consumer-config.ts';
import { codeOf } from './errors.ts';
import type { FetchedRecords } from './fetched-records.ts';
import { type GroupPlace, PlaceInGroup } from './group-place.ts';
import { HastenedHeartbeats } from './hastened-heartbeats.ts';
import { LogQuestions } from './log-questions.ts';
import { DeferredStarts } from './deferred-starts.ts';
import { connect, disconnect, join, joinAgain, unsubscribe } from './membership.ts';
import { type MembershipCheck, membershipCheck } from './membership-check.ts';
import { PacedConsume } from './paced-consume.ts';
import { readingOf } from './reading-of.ts';
import type { Reading } from './reading.ts';
import { NoticeBoard } from './notices.ts';
import { OffsetHints } from './offset-hints.ts';
import { CODE, newConsumer, type NativeConsumer } from './rdkafka.ts';
import { Rebalances, type RebalanceEvent } from './rebalances.ts';
import { ReadingSource } from './reading-source.ts';
import type { ReadFrom } from './record-source.ts';
import { renewCredentials } from './renew-credentials.ts';
import type { KafkaSettings } from './settings.ts';
import { Throttling } from './throttling.ts';
import type { Trouble } from './trouble.ts';

/** `connected`: of the group nothing is asked yet. */
type State = 'connected' | 'open' | 'leaving' | 'left';

/**
 * A member of a consumer group that reads one topic at offsets the caller names.
 *
 * Being *granted* a partition by the group and *reading* it are two things. A granted event is settled at
 * once and reads nothing; `start` begins reading at an explicit offset whenever the caller has its claim,
 * `stop` ends it, both as often as needed while the group grants the partition. `fetch` returns records of
 * started partitions only, each partition in offset order from its start offset, none twice.
 *
 * The caller is one loop: fetch, apply, then `takeRebalances` and `settle` each. Records of a partition
 * being revoked may be applied until its event is settled, unless `lost`. One fetch at a time.
 *
 * A partition started or stopped while a revocation is on its way from the broker can end that revocation
 * before the caller saw it; the owner recorded with the data must therefore decide who may write.
 */
export class GroupConsumer extends ReadingSource {
  /** Whether a quota of the broker holds back what it reads. */
  readonly throttling: Throttling;
  /** Whether the group has it as it is here. */
  readonly membership: MembershipCheck;
  readonly #native: NativeConsumer;
  readonly #options: GroupConsumerOptions;
  readonly #notices: NoticeBoard;
  readonly #words: ClientWords;
  readonly #place: PlaceInGroup;
  readonly #heartbeats: HastenedHeartbeats;
  readonly #deferred: DeferredStarts;
  readonly #answers: AssignmentAnswers;
  readonly #rebalances: Rebalances;
  readonly #hints: OffsetHints;
  readonly #paced: PacedConsume;
  readonly #questions: LogQuestions;
  readonly #reading: Reading;
  #state: State = 'connected';
  #left: Promise<void> | undefined;
  #onRevokedAll: (() => void) | undefined;

  private constructor(settings: KafkaSettings, options: GroupConsumerOptions) {
    super();
    this.#options = options;
    this.#rebalances = Rebalances.of(options);
    this.#notices = new NoticeBoard(options.onNotice);
    this.#native = newConsumer({
      ...consumerConfig(settings, options),
      rebalance_cb: (error: unknown, partitions: { partition: number }[]) =>
        this.#onRebalance(error, partitions),
      offset_commit_cb: (error: unknown) => this.#hints.settled(error),
    });
    this.#words = new ClientWords(this.#native, this.#notices);
    this.#place = new PlaceInGroup(this.#words, options.protocol).listenTo(this.#native);
    this.#heartbeats = new HastenedHeartbeats(this.#native, this.#notices, options);
    this.throttling = new Throttling().listenTo(this.#native);
    this.#paced = new PacedConsume(this.#native);
    const { topic, askLog } = options;
    this.#questions = new LogQuestions(this.#native, this.#words, settings, topic, askLog);
    this.#reading = readingOf(settings, options, {
      native: this.#native,
      paced: this.#paced,
      witness: this.#questions.witness,
      words: this.#words,
      throttling: this.throttling,
      topic,
      notices: this.#notices,
      onThrownOut: () => {
        this.#rebalances.thrownOut();
        this.#place.startsOver();
        this.#reading.lose(this.#reading.partitions());
      },
      watermarks: this.#questions.watermarks,
    });
    this.#deferred = new DeferredStarts(this.#reading, this.#notices);
    this.#answers = new AssignmentAnswers({
      native: this.#native,
      reading: this.#reading,
      deferred: this.#deferred,
      notices: this.#notices,
    });
    this.#hints = new OffsetHints(this.#native, options.topic, this.#notices);
    this.membership = membershipCheck(settings, options, {
      notices: this.#notices,
      rebalances: this.#rebalances,
      paced: this.#paced,
      joinAgain: () => {
        this.#place.startsOver();
        joinAgain(this.#native, topic, this.#notices);
      },
    }).listenTo(this.#native);
    renewCredentials(this.#native, settings);
  }

  /** Connects, and joins the group where that is not left to `join`. Rejects with a `KafkaError` when no broker answers in 30 seconds. */
  static async connect(
    settings: KafkaSettings,
    options: GroupConsumerOptions,
  ): Promise<GroupConsumer> {
    const consumer = new GroupConsumer(settings, options);
    await connect(consumer.#native, consumer.#words, options);
    if (options.joinsLater !== true) consumer.join();
    return consumer;
  }

  /** Asks the group for partitions, which the others make room for. @throws KafkaError */
  join(): void {
    if (this.#state !== 'connected') return;
    this.#state = 'open';
    this.#place.startsOver();
    join(this.#native, this.#words, this.#options.topic);
    this.#reading.expect([]);
  }

  protected get reading(): Reading {
    return this.#reading;
  }

  protected get questions(): LogQuestions {
    return this.#questions;
  }

  /** What keeps the client from its work now, in its own words; null where nothing is known to. */
  get trouble(): Trouble | null {
    return this.#words.trouble;
  }

  /** Whether the group counts on this member, with partitions or as a spare, or why it does not. */
  get place(): GroupPlace {
    return this.#place.place();
  }

  /** True when `takeRebalances` has something. */
  get hasRebalance(): boolean {
    return this.#rebalances.waiting;
  }

  /** For so long, in ms, the other members would be slow to take over what this one gives back when it leaves. */
  get restMs(): number {
    return this.#options.instanceId === undefined ? this.#rebalances.restLeftMs : 0;
  }

  /** Partitions the group grants, as far as settled. */
  get granted(): ReadonlySet<number> {
    return this.#rebalances.grants;
  }

  /** As `RecordSource.read`. Must be called at least every `maxPollIntervalMs`. */
  async read(maxRecords: number, timeoutMs: number): Promise<FetchedRecords> {
    if (this.#state !== 'open') throw new Error(`fetch on a consumer that is ${this.#state}`);
    try {
      return await this.#reading.read(maxRecords, timeoutMs);
    } finally {
      if (this.#state === 'open') {
        this.#heartbeats.attended();
        this.#deferred.startAll();
        this.#reading.checkQuiet();
        this.membership.check();
      }
    }
  }

  /** Hands over the waiting changes, oldest first; each must be settled, in this order. */
  takeRebalances(): RebalanceEvent[] {
    return this.#rebalances.take();
  }

  /** Answers the group. After a revoked event its partitions are no longer read, and another member may own them. */
  settle(event: RebalanceEvent): void {
    this.#rebalances.settled(event);
    if (event.kind === 'granted') return this.#answers.accept();
    for (const partition of event.partitions) this.#hints.forget(partition);
    this.#answers.giveBack(event.partitions);
  }

  /** Reads a granted partition from `offset` on. Throws when it is not granted or already read. */
  start(partition: number, offset: number, from: ReadFrom = {}): void {
    if (this.#state !== 'open') return;
    if (!this.granted.has(partition)) throw new Error(`partition ${partition} is not granted`);
    if (this.isReading(partition)) throw new Error(`partition ${partition} is already read`);
    if (!Number.isSafeInteger(offset) || offset < 0) throw new Error(`start at offset ${offset}`);
    this.#deferred.start(partition, { offset, ...from });
  }

  /** Ends reading a partition; it stays granted and can be started again. Harmless when it is not read. */
  stop(partition: number): void {
    this.#answers.stop([partition]);
  }

  isReading(partition: number): boolean {
    return this.#reading.has(partition) || this.#deferred.has(partition);
  }

  /** Asks the group now, and for a moment on, what it grants or takes: somebody says that it changes. */
  askGroup(): void {
    if (this.#state === 'open') this.#heartbeats.begin();
  }

  /** Tells Kafka the next offsets, for lag tools: best effort, never throws, newest wins. */
  noteCommitted(offsets: ReadonlyMap<number, number>): void {
    if (this.#state === 'open') this.#hints.note(offsets);
  }

  /**
   * Leaves the group and disconnects, in at most 15 seconds. Unsettled changes are answered. Idempotent. A static member keeps its
   * partitions reserved for its return with `keepMembership`, and with the `consumer` protocol always: the broker frees them when
   * its session ends.
   */
  leave(options: { keepMembership?: boolean } = {}): Promise<void> {
    this.#left ??= this.#leave(options.keepMembership === true);
    return this.#left;
  }

  async #leave(keepMembership: boolean): Promise<void> {
    this.#state = 'leaving';
    this.#heartbeats.end();
    await this.#reading.idle();
    for (const event of this.#rebalances.takeAll()) this.settle(event);
    this.#hints.leave();
    this.#deferred.clear();
    if (this.#options.instanceId !== undefined && !keepMembership) {
      await unsubscribe(this.#native, this.#paced, (done) => (this.#onRevokedAll = done));
    }
    await this.#reading.close();
    await disconnect(this.#native, this.#notices);
    this.#state = 'left';
    this.#rebalances.left();
  }

  #onRebalance(error: unknown, list: { partition: number }[]): void {
    const partitions = list.map((one) => one.partition);
    const granted = codeOf(error) === CODE.assignPartitions;
    if (this.#state !== 'open') {
      this.#answers.whileLeaving(granted, partitions);
      if (!granted) this.#onRevokedAll?.();
      return;
    }
    if (granted) {
      this.#place.assigned();
      this.#rebalances.granted(partitions);
      this.#reading.expect(partitions);
      return;
    }
    // The client knows about the loss only while this callback runs.
    const isLost = this.#native.assignmentLost();
    if (isLost) this.#place.startsOver();
    if (this.#rebalances.revoked(partitions, isLost)) this.#reading.lose(partitions);
    this.#reading.wake();
  }
}
