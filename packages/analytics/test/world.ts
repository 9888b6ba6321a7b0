import { Buffer } from 'node:buffer';
import {
  claimSource,
  CopyEncoder,
  openDatabase,
  readWriteGuards,
  registerTopic,
  writeBatch,
  WriterSession,
  type AuditCheckResult,
  type AuditOffence,
  type Database,
  type Frontier,
} from '@adtally/db';
import { migrated } from '@adtally/db/testing';
import {
  decodeInto,
  DEFAULT_DECODE_LIMITS,
  encodeEvent,
  EventBatch,
  ROUTE,
  VERDICT,
  type AdEvent,
} from '@adtally/event-schema';
import { keyDeriver } from '@adtally/key-derivation';
import { testDatabase } from '@adtally/testkit';
import { sql } from 'kysely';
import {
  applyLate,
  claimToFrontier,
  COHORT_MS,
  ensureSomeVersion,
  foldNext,
  MEASURES,
  raiseFrontier,
  readDefinitions,
  ROLLUPS,
  takeNextBase,
  wholeAudit,
  type Rollup,
} from '../src/index.ts';
import { ALL_ROLLUPS, daysTableOf } from '../src/rollups.ts';
import { rowEntry, type Totals } from './reference.ts';

/** One ingest process: its own session, and what it believes of the frontier. */
export class Writer {
  readonly session: WriterSession;
  readonly frontier: Frontier = { ms: 0 };
  readonly #sourceId: number;
  readonly #epoch: number;
  readonly #encoder = new CopyEncoder();
  #next = 0;

  constructor(session: WriterSession, sourceId: number, epoch: number) {
    this.session = session;
    this.#sourceId = sourceId;
    this.#epoch = epoch;
  }

  get nextOffset(): number {
    return this.#next;
  }

  /** Commits one batch as a consumer does; `between` runs when all is written but the commit call. */
  async commit(events: readonly AdEvent[], between = async () => {}): Promise<void> {
    await this.try(events, between).catch(async (error: { failure?: { kind: string } }) => {
      if (error.failure?.kind !== 'frontier_moved') throw error;
      await this.try(events);
    });
  }

  /** As `commit`, without the second try that a moved frontier asks for. */
  async try(events: readonly AdEvent[], between = async () => {}): Promise<void> {
    const batch = this.#batchOf(events);
    const end = this.#next + events.length;
    await writeBatch(
      this.session,
      this.#encoder,
      batch,
      [{ sourceId: this.#sourceId, epoch: this.#epoch, first: this.#next, end, gap: 0 }],
      { horizonMs: 0, frontier: this.frontier, trust: 'answers', alongside: between },
    );
    this.#next = end;
  }

  #batchOf(events: readonly AdEvent[]): EventBatch {
    const batch = new EventBatch(Math.max(events.length, 1));
    const deriveKey = keyDeriver(batch);
    for (const [index, one] of events.entries()) {
      const record = {
        topic: 'test',
        partition: 0,
        offset: this.#next + index,
        key: Buffer.from(one.impression_id),
        value: encodeEvent(one),
        timestamp: 0,
      };
      const row = batch.append(record, this.#sourceId);
      decodeInto(batch, row, DEFAULT_DECODE_LIMITS);
      if (batch.verdict[row] !== VERDICT.event) throw new Error('the test event is not valid');
      deriveKey(row);
      batch.route[row] = ROUTE.verified;
    }
    return batch;
  }
}

/** A migrated database of its own, with writers on sources of their own. */
export class World {
  readonly url: string;
  readonly db: Database;
  readonly #drop: () => Promise<void>;
  readonly #writers: Writer[] = [];
  #topics = 0;

  private constructor(url: string, drop: () => Promise<void>) {
    this.url = url;
    this.db = openDatabase(url, { applicationName: 'analytics-test', maxConnections: 6 });
    this.#drop = drop;
  }

  static async create(): Promise<World> {
    const database = await testDatabase(migrated);
    const db = openDatabase(database.url, { applicationName: 'analytics-test' });
    // Nothing here is about power loss, and thousands of small commits would wait for the disk.
    await sql`ALTER DATABASE ${sql.id(database.name)} SET synchronous_commit = off`.execute(db);
    await db.destroy();
    return World.at(database.url, () => database.drop());
  }

  /** On a database that is there. */
  static at(url: string, drop: () => Promise<void> = async () => {}): World {
    return new World(url, drop);
  }

  async writer(): Promise<Writer> {
    this.#topics += 1;
    const topic = `test-${this.#topics}`;
    const [source] = await registerTopic(this.db, {
      kind: 'events',
      topic,
      topicId: topic,
      partitions: 1,
      genesis: () => 0n,
    });
    if (source === undefined) throw new Error('no source');
    return await this.writerOf(async (session) => {
      const { epoch } = await claimSource(session, source.sourceId, 'test');
      return { sourceId: source.sourceId, epoch };
    });
  }

  /** A writer on a source that is claimed by other means, as by a build of before. */
  async writerOf(
    claim: (session: WriterSession) => Promise<{ sourceId: number; epoch: number }>,
  ): Promise<Writer> {
    const session = await WriterSession.connect({
      databaseUrl: this.url,
      applicationName: 'analytics-test-writer',
      lockTimeoutMs: 5_000,
      statementTimeoutMs: 10_000,
      connectTimeoutMs: 5_000,
    });
    const { sourceId, epoch } = await claim(session);
    const writer = new Writer(session, sourceId, epoch);
    this.#writers.push(writer);
    return writer;
  }

  /** Makes the default version known, and cohorts that end by then settled. */
  async settle(untilMs: number): Promise<void> {
    await ensureSomeVersion(this.db);
    await raiseFrontier(this.db, Math.floor(untilMs / COHORT_MS) * COHORT_MS);
  }

  /** Takes all bases up to the frontier. */
  async takeBases(): Promise<number> {
    let taken = 0;
    for (const definition of await readDefinitions(this.db)) {
      const { frontierMs } = await readWriteGuards(this.db);
      if (frontierMs > 0)
        await claimToFrontier(this.db, definition.version, frontierMs, {
          maxBases: 100,
          baseRows: 3,
        });
      while ((await takeNextBase(this.db, definition, 'untaken')) !== null) taken += 1;
    }
    return taken;
  }

  /** Folds all bases of timed ids that end by then, as far as may be; returns how many. */
  async fold(beforeMs: number, limits = { unitEvents: 4n, stepEvents: 3n }): Promise<number> {
    let bases = 0;
    for (const definition of await readDefinitions(this.db)) {
      for (;;) {
        const folded = await foldNext(this.db, definition, { beforeMs, ...limits });
        if (folded === null) break;
        bases += folded.bases;
      }
    }
    return bases;
  }

  /** Applies all notes that wait. */
  async applyNotes(): Promise<number> {
    let impressions = 0;
    for (;;) {
      const applied = await applyLate(this.db, { maxImpressions: 3 });
      if (applied.notes === 0) return impressions;
      impressions += applied.impressions;
    }
  }

  /** The rollups of a version as the tables have them, summed over cohorts. */
  async totals(version: number): Promise<Totals> {
    const entries = await Promise.all(
      (Object.keys(ROLLUPS) as Rollup[]).map(async (rollup) => {
        const { table, dimensions } = ROLLUPS[rollup];
        const key = sql.raw([...dimensions, 'currency'].join(', '));
        const { rows } = await sql<Record<string, unknown>>`
          SELECT (extract(epoch FROM hour) * 1000000)::bigint AS hour_micros, ${key}, ${sql.raw(SUMS)}
          FROM ${sql.table(table)} WHERE version = ${version} GROUP BY hour, ${key}`.execute(
          this.db,
        );
        return [rollup, new Map(rows.map((row) => rowEntry(rollup, row)))] as const;
      }),
    );
    return Object.fromEntries(entries) as unknown as Totals;
  }

  /** What the audit finds wrong with the rollups. */
  async rollupOffences(full = true): Promise<readonly AuditOffence[]> {
    return (await this.#audited(full))?.offending ?? [];
  }

  /** What the audit says of the rollups though nothing is wrong. */
  async rollupNotes(): Promise<readonly string[]> {
    return (await this.#audited(true))?.notes ?? [];
  }

  async #audited(full: boolean): Promise<AuditCheckResult | undefined> {
    const report = await wholeAudit(this.db, { rollups: { full } });
    return report.checks.find(({ id }) => id === 'rollups');
  }

  async count(from: string): Promise<number> {
    const { rows } = await sql<{ n: bigint }>`SELECT count(*) AS n FROM ${sql.raw(from)}`.execute(
      this.db,
    );
    return Number(rows[0]?.n);
  }

  /** Forgets all events, rollups and versions, so that the next run of a property starts anew. */
  async clear(): Promise<void> {
    for (const table of CLEARED) await sql`DELETE FROM ${sql.table(table)}`.execute(this.db);
    await sql`UPDATE rollup_progress SET applied_sources = '{}', applied_offsets = '{}'`.execute(
      this.db,
    );
    await sql`ALTER TABLE write_guards DISABLE TRIGGER frontier_never_goes_back`.execute(this.db);
    await sql`UPDATE write_guards SET frontier_ms = 0, horizon_ms = 0`.execute(this.db);
    await sql`ALTER TABLE write_guards ENABLE TRIGGER frontier_never_goes_back`.execute(this.db);
    for (const { frontier } of this.#writers) frontier.ms = 0;
  }

  async close(): Promise<void> {
    await Promise.all(this.#writers.map(({ session }) => session.close()));
    await this.db.destroy();
    await this.#drop();
  }
}

/** In an order that foreign keys allow. */
const CLEARED = [
  'events',
  'conflicts',
  'late_notes',
  ...Object.values(ROLLUPS).map(({ table }) => table),
  ...ALL_ROLLUPS.map(daysTableOf),
  'rollup_bases',
  'rollup_promotion',
  'backfill_runs',
  'rollup_versions',
] as const;

const SUMS = MEASURES.map((name) => `sum(${name})::text AS ${name}`).join(', ');
