import {
  claimSource,
  insertSource,
  type Database,
  type WriterSession,
  type WriterSessionOptions,
} from '@adtally/db';
import { migratedDatabase, openSession } from '@adtally/db/testing';
import { waitFor } from '@adtally/testkit';
import { sql } from 'kysely';
import type { AttemptLimits, HeldLane, LeaseRequest } from '../src/life/lease-letters.ts';

export const EVENTS_TOPIC = 'events';

/** Every letter has five tries. */
export const LIMITS: AttemptLimits = { attemptsMax: 5, attemptsMaxByCode: new Map() };

/** A lease of what is due in these lanes; a test names only what it is about. */
export function leaseOf(
  lanes: readonly HeldLane[],
  changes: Partial<LeaseRequest> = {},
): LeaseRequest {
  return {
    eventsTopic: EVENTS_TOPIC,
    lanes,
    limit: 10,
    suspects: false,
    limits: LIMITS,
    appVersion: '1.2.3',
    ...changes,
  };
}

const PAUSED_APPLICATION = 'paused';

/** One database for the tests of a file, with the session of the process under test. */
export class LetterStage {
  readonly db: Database;
  readonly session: WriterSession;
  readonly #database: Awaited<ReturnType<typeof migratedDatabase>>;
  readonly #sessions: WriterSession[] = [];
  #lanes = 0;

  private constructor(
    database: Awaited<ReturnType<typeof migratedDatabase>>,
    session: WriterSession,
  ) {
    this.#database = database;
    this.db = database.db;
    this.session = session;
  }

  static async open(): Promise<LetterStage> {
    const database = await migratedDatabase();
    return new LetterStage(database, await openSession(database.url));
  }

  /** The session of another process. */
  async openSession(options: Partial<WriterSessionOptions> = {}): Promise<WriterSession> {
    const session = await openSession(this.#database.url, options);
    this.#sessions.push(session);
    return session;
  }

  /** A DLQ partition that no other test uses, its retries claimed by a session. */
  async holdLane(session = this.session): Promise<HeldLane> {
    this.#lanes += 1;
    const lane = this.#lanes;
    const source = { kind: 'redrive', topic: 'dlq', topicId: 'dlq-id', partition: lane } as const;
    const sourceId = await insertSource(this.db, source, 0n);
    return await this.claimLane({ lane, sourceId, epoch: 0 }, session);
  }

  /** The lane as whoever claims it now holds it. */
  async claimLane(lane: HeldLane, session = this.session): Promise<HeldLane> {
    const { epoch } = await claimSource(session, lane.sourceId, 'test');
    return { ...lane, epoch };
  }

  /**
   * Runs a statement that changes letters, stopped after its snapshot was taken and before it has looked at
   * a letter, while `meanwhile` runs.
   */
  async pausedAtSnapshot<T>(
    statement: (session: WriterSession) => Promise<T>,
    meanwhile: () => Promise<unknown>,
  ): Promise<T> {
    await this.session.query(`
      CREATE OR REPLACE FUNCTION wait_at_gate() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF current_setting('application_name') = '${PAUSED_APPLICATION}' THEN
          PERFORM pg_advisory_xact_lock_shared(1);
        END IF;
        RETURN NULL;
      END $$;
      CREATE OR REPLACE TRIGGER gate BEFORE UPDATE ON dead_letters
        FOR EACH STATEMENT EXECUTE FUNCTION wait_at_gate()`);
    const session = await this.openSession({
      applicationName: PAUSED_APPLICATION,
      lockTimeoutMs: 30_000,
      statementTimeoutMs: 30_000,
    });
    const running = await this.db.transaction().execute(async (gate) => {
      await sql`SELECT pg_advisory_xact_lock(1)`.execute(gate);
      const started = statement(session);
      const isWaiting = sql`
        SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 1 AND NOT granted
          AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;
      await waitFor(async () => (await isWaiting.execute(this.db)).rows.length > 0, {
        what: 'the statement to take its snapshot',
        intervalMs: 2,
      });
      await meanwhile();
      return { started };
    });
    return await running.started;
  }

  /** Removes every letter and job; sources and lanes stay. */
  async clear(): Promise<void> {
    await Promise.all(this.#sessions.splice(0).map((session) => session.close()));
    await this.session.query(`
      DELETE FROM redrive_receipts; DELETE FROM redrive_jobs; DELETE FROM dead_letter_attempts;
      DELETE FROM dead_letter_records; ALTER TABLE dead_letters DISABLE TRIGGER dead_letters_stay;
      DELETE FROM dead_letters; ALTER TABLE dead_letters ENABLE TRIGGER dead_letters_stay`);
  }

  async close(): Promise<void> {
    await this.session.close();
    await this.#database[Symbol.asyncDispose]();
  }
}
