import type { Buffer } from 'node:buffer';
import { answersCommit, proxyFor, sendsCommit, type TcpProxy } from '@adtally/testkit';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { useBench } from './support/bench.ts';
import { predicting } from './support/predictions.ts';
import { garbage } from './support/records.ts';
import type { TestLog } from './support/test-log.ts';
import { TestWriter } from './support/test-writer.ts';

const bench = useBench();

const RUNS = 25;
const PARTITIONS = 2;
const WRITERS = 2;
const KEYS = 8;

interface Sent {
  readonly key: number;
  /** Of an odd key: another payload. Its copies keep to one partition, so that order decides for good. */
  readonly isOther: boolean;
  /** Of an even key: in the partition that is not its own. */
  readonly isMisrouted: boolean;
  readonly isGarbage: boolean;
}

type Step =
  | { readonly do: 'claim'; readonly writer: number; readonly partition: number }
  | {
      readonly do: 'write' | 'die-before' | 'die-after';
      readonly writer: number;
      readonly rows: number;
    };

const anySent: fc.Arbitrary<Sent> = fc.record({
  key: fc.nat(KEYS - 1),
  isOther: fc.boolean(),
  isMisrouted: fc.boolean(),
  isGarbage: fc.nat(9).map((n) => n === 0),
});
const writer = fc.nat(WRITERS - 1);
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    do: fc.constant('claim' as const),
    writer,
    partition: fc.nat(PARTITIONS - 1),
  }),
  fc.record({
    do: fc.constantFrom(
      'write' as const,
      'write' as const,
      'die-before' as const,
      'die-after' as const,
    ),
    writer,
    rows: fc.integer({ min: 1, max: 9 }),
  }),
);

/** What must be in the database, whatever happened on the way. */
interface Truth {
  readonly totals: object;
  /** Price by key. */
  readonly stored: ReadonlyMap<number, number>;
}

const PRICE = 1_000;
const OTHER_PRICE = 2_000;

function priceOf({ key, isOther }: Sent): number {
  return key % 2 === 1 && isOther ? OTHER_PRICE : PRICE;
}

function truthOf(all: readonly Sent[]): Truth {
  const stored = new Map<number, number>();
  const totals = { consumed: 0, stored: 0, duplicate: 0, conflict: 0, dead_lettered: 0 };
  for (const one of all) {
    totals.consumed += 1;
    const first = stored.get(one.key);
    if (one.isGarbage) totals.dead_lettered += 1;
    else if (first === undefined) {
      stored.set(one.key, priceOf(one));
      totals.stored += 1;
    } else if (first === priceOf(one)) totals.duplicate += 1;
    else totals.conflict += 1;
  }
  return { totals, stored };
}

function fill(log: TestLog, all: readonly Sent[]): void {
  for (const one of all) {
    const home = one.key % PARTITIONS;
    const partition = one.key % 2 === 0 && one.isMisrouted ? (home + 1) % PARTITIONS : home;
    log.append(partition, [
      one.isGarbage ? garbage() : log.shown(one.key, { priceMicros: BigInt(priceOf(one)) }),
    ]);
  }
}

/** A commit that is fenced is answered by an error. */
const answersOrRefuses = (bytes: Buffer): boolean =>
  answersCommit(bytes) || bytes.includes('ADT01');

let proxies: TcpProxy[];
let dlqTopic: string;
/** That the faults happened at all, over all runs. */
const seen = { fenced: 0, died: 0, fallbacks: 0 };

beforeAll(async () => {
  proxies = await Promise.all(Array.from({ length: WRITERS }, () => proxyFor(bench.url)));
});
afterAll(async () => {
  for (const proxy of proxies) await proxy.close();
});

/** A process that may die and start again, behind a network of its own. */
class Process {
  readonly #log: TestLog;
  readonly #proxy: TcpProxy;
  readonly #lie: (key: string) => boolean;
  #writer: TestWriter;

  constructor(log: TestLog, proxy: TcpProxy, lie: (key: string) => boolean) {
    this.#log = log;
    this.#proxy = proxy;
    this.#lie = lie;
    this.#writer = this.#start();
  }

  #start(): TestWriter {
    return new TestWriter({
      databaseUrl: this.#proxy.urlFor(bench.url),
      log: this.#log,
      producer: bench.producer,
      dlqTopic,
      dedup: predicting(this.#lie, (key) => (key.charCodeAt(5) % 2 === 0 ? 'fast' : 'unasked')),
    });
  }

  async claim(partition: number): Promise<void> {
    await this.#writer.claim(partition);
  }

  async write(rows: number): Promise<boolean> {
    const records = this.#writer.ownership
      .allOwned()
      .flatMap((owned) => this.#log.read(owned.partition, owned.readOffset, rows));
    if (records.length === 0) return false;
    const { fenced } = await this.#writer.commit(this.#writer.work(records));
    seen.fenced += fenced.length;
    for (const owned of this.#writer.ownership.allOwned()) {
      if (fenced.includes(owned.sourceId)) this.#writer.ownership.revoke(owned.partition);
    }
    return true;
  }

  /** Dies at its next commit, before or after the server has it, and starts again owning nothing. */
  async die(rows: number, when: 'before' | 'after'): Promise<void> {
    const { abandon } = this.#writer;
    const cut =
      when === 'before'
        ? this.#proxy.cutBeforeForwarding(sendsCommit)
        : this.#proxy.cutBeforeAnswerTo(sendsCommit, answersOrRefuses);
    let isDead = false;
    void cut.then(() => {
      isDead = true;
      this.#proxy.refuse(true);
      abandon.abort();
      seen.died += 1;
    });
    await this.write(rows).catch((error: Error) => {
      if (error.name !== 'Abandoned') throw error;
    });
    // It had nothing to commit: the trap is sprung by hand, so that it does not wait for a later step.
    if (!isDead) await this.#springTrap();
    await cut;
    await this.close();
    this.#proxy.refuse(false);
    this.#writer = this.#start();
  }

  async drain(): Promise<void> {
    for (let partition = 0; partition < PARTITIONS; partition++) await this.claim(partition);
    while (await this.write(5));
  }

  async close(): Promise<void> {
    seen.fallbacks += await this.#writer.counter('adtally_copy_fallbacks_total');
    await this.#writer.close();
  }

  async #springTrap(): Promise<void> {
    const session = await this.#writer.link.session(new AbortController().signal);
    await session.query('BEGIN; COMMIT').catch(() => undefined);
  }
}

async function take(step: Step, process: Process): Promise<void> {
  if (step.do === 'claim') return process.claim(step.partition);
  if (step.do === 'write') return void (await process.write(step.rows));
  return process.die(step.rows, step.do === 'die-before' ? 'before' : 'after');
}

it('I8: any claims, cuts into batches, deaths and wrong predictions end in the same rows and totals', async () => {
  dlqTopic = await bench.topic();
  await fc.assert(
    fc.asyncProperty(
      fc.array(anySent, { minLength: 10, maxLength: 40 }),
      fc.array(anyStep, { minLength: 4, maxLength: 12 }),
      fc.nat(255),
      async (all, steps, lies) => {
        const log = await bench.log(PARTITIONS);
        fill(log, all);
        const lie = (key: string) => ((Number.parseInt(key.slice(0, 2), 16) ^ lies) & 3) !== 0;
        const processes = proxies.map((proxy) => new Process(log, proxy, lie));
        try {
          // From the start one of them believes to own what the other has claimed.
          await processes[0]?.claim(0);
          await processes[0]?.claim(1);
          await processes[1]?.claim(1);
          for (const one of steps) await take(one, processes[one.writer] as Process);
          await processes[0]?.drain();
        } finally {
          for (const process of processes) await process.close();
        }
        const truth = truthOf(all);
        expect(await bench.totals(log)).toEqual(truth.totals);
        expect(await pricesByKey(log)).toEqual(truth.stored);
      },
    ),
    { numRuns: RUNS },
  );
  await bench.expectSound();
  expect(Object.entries(seen).filter(([, times]) => times === 0)).toEqual([]);
}, 120_000);

async function pricesByKey(log: TestLog): Promise<Map<number, number>> {
  const rows = await bench.control.query<{ id: string; micros: string }>(
    `SELECT impression_id::text AS id, amount_micros AS micros FROM events
     WHERE source_id = ANY ($1::int[])`,
    [log.sourceIds],
  );
  const keyOf = new Map(Array.from({ length: KEYS }, (_, key) => [log.impressionId(key), key]));
  return new Map(rows.map(({ id, micros }) => [keyOf.get(id) ?? -1, Number(micros)]));
}
