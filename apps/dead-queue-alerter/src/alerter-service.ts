import { alerterLeaseHolder, takeAlerterLease } from '@adtally/alerting';
import {
  cutConnections,
  databaseFailure,
  databaseFailureAtWork,
  openDatabase,
  requireSchema,
  type Database,
} from '@adtally/db';
import { KafkaAdmin } from '@adtally/kafka';
import { Abandoned, backoffMs, pause } from '@adtally/pacing';
import {
  abandonInTime,
  DrainCutShort,
  ServerStanding,
  ServerUnusable,
  untilItAnswers,
  type Heartbeat,
  type Service,
  type Work,
  WorkBook,
} from '@adtally/service';
import type { Logger, Tracer } from '@adtally/telemetry';
import type { AlerterConfig } from './env.ts';
import type { IncidentsSource } from './incidents-endpoint.ts';
import { Lease, LEASE_STALE_MS, LeaseLost } from './lease.ts';
import type { AlerterMetrics } from './metrics.ts';
import type { ListedSink } from './notify/sinks.ts';
import { runTerm, type TermConfig } from './term.ts';

export interface AlerterParts {
  readonly config: TermConfig &
    Pick<AlerterConfig, 'databaseUrl' | 'drainDeadlineMs' | 'refusedMaxMs'>;
  readonly sinks: readonly ListedSink[];
  readonly metrics: AlerterMetrics;
  readonly tracer?: Tracer | undefined;
  readonly log: Logger;
  readonly heartbeat: Heartbeat;
}

const LOOK_EVERY_MS = 1_000;
const RETRY_FIRST_MS = 200;
const RETRY_LAST_MS = 3_000;
const STATEMENT_TIMEOUT_MS = 10_000;
const LOCK_TIMEOUT_MS = 5_000;
const POOL_CONNECTIONS = 2;
/** A request to a broker cannot be called back: the process lives as long as the last one. */
const REQUEST_TIMEOUT_MS = 4_000;

/** Waits for its turn to be the active instance, is it for as long as its session lives, and waits again. */
export class AlerterService implements Service, IncidentsSource {
  readonly name = 'alerter';
  readonly #parts: AlerterParts;
  readonly #postgres: ServerStanding;
  readonly #brokers: ServerStanding;
  readonly #failure = Promise.withResolvers<Error>();
  readonly failed: Promise<Error>;
  readonly #stopping = new AbortController();
  /** Fires when the drain has no more time for what does not answer. */
  readonly #abandoned = new AbortController();
  #starting: Promise<void> = Promise.resolve();
  #running: Promise<void> = Promise.resolve();
  readonly #book = new WorkBook();
  #failures = 0;
  role: IncidentsSource['role'] = 'starting';
  epoch: bigint | null = null;
  /** For the schema check and those who ask; the active instance writes through a session of its own. */
  pool: Database | null = null;

  constructor(parts: AlerterParts) {
    this.#parts = parts;
    const { refusedMaxMs } = parts.config;
    const { log } = parts;
    this.#postgres = new ServerStanding({ title: 'PostgreSQL', refusedMaxMs, log });
    this.#brokers = new ServerStanding({ title: 'Kafka', refusedMaxMs, log });
    this.failed = this.#failure.promise;
  }

  start(): Promise<void> {
    this.#starting = this.#start();
    return this.#starting;
  }

  /** Ends the work in hand and the session, and with it the lock. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    const { drainDeadlineMs } = this.#parts.config;
    const endWatch = abandonInTime(
      drainDeadlineMs,
      () => this.work(),
      () => this.#abandoned.abort(),
    );
    await this.#starting.catch(() => undefined);
    await this.#running;
    endWatch();
    const { pool } = this;
    this.pool = null;
    if (pool !== null) {
      // A goodbye to a server that says nothing would keep the process.
      cutConnections(pool);
      await pool.destroy();
    }
    const left = this.work().inHand;
    this.#book.clear();
    if (left.length > 0) throw new DrainCutShort(left);
  }

  work(): Work {
    return this.#book.work;
  }

  notReady(): string | undefined {
    // A standby reads nothing yet.
    const needed = this.role === 'active' ? [this.#postgres, this.#brokers] : [this.#postgres];
    for (const { title, failure } of needed) {
      if (failure !== undefined) return `${title}: ${failure.detail} (${failure.code})`;
    }
    return this.role === 'starting' ? 'no database session yet' : undefined;
  }

  async #start(): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    this.pool = openDatabase(this.#parts.config.databaseUrl, {
      applicationName: 'adtally-dead-queue-alerter',
      maxConnections: POOL_CONNECTIONS,
      statementTimeoutMs: STATEMENT_TIMEOUT_MS,
    });
    await this.#waitForSchema(this.pool);
    if (!this.#stopping.signal.aborted) this.#running = this.#run();
  }

  /** A database that is away is waited for; one with another schema ends the service (exit 78). */
  async #waitForSchema(pool: Database): Promise<void> {
    try {
      await untilItAnswers(this.#postgres, () => requireSchema(pool), {
        classify: databaseFailure,
        beat: () => this.#parts.heartbeat.beat(),
        signal: this.#stopping.signal,
      });
      this.#postgres.worked();
    } catch (error) {
      if (!(error instanceof Abandoned)) throw error;
    }
  }

  async #run(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      this.#parts.heartbeat.beat();
      try {
        await this.#takeTurn();
      } catch (error) {
        this.role = 'starting';
        if (error instanceof ServerUnusable) return this.#failure.resolve(error);
        if (this.#stopping.signal.aborted) return;
        this.#book.clear();
        await this.#wait(error);
      }
    }
  }

  /** One session: stands by until it has the lease, then is active until it loses it. */
  async #takeTurn(): Promise<void> {
    const { config } = this.#parts;
    const db = openDatabase(config.databaseUrl, {
      applicationName: `adtally-alerter ${config.owner}`,
      maxConnections: 1,
      statementTimeoutMs: STATEMENT_TIMEOUT_MS,
      lockTimeoutMs: LOCK_TIMEOUT_MS,
    });
    const cut = () => cutConnections(db);
    this.#abandoned.signal.addEventListener('abort', cut, { once: true });
    try {
      // The connection is never given back in between: another one would not hold the lock.
      await db.connection().execute(async (session) => {
        // Another one may be there after a reconnect: then nothing is written before it fits (ADR 16).
        await requireSchema(session);
        this.#postgres.worked();
        const epoch = await this.#standBy(session);
        if (epoch !== null) await this.#beActive(session, epoch);
      });
    } finally {
      this.#abandoned.signal.removeEventListener('abort', cut);
      // At once: whatever the session still holds is free for a successor.
      cut();
      await db.destroy();
    }
  }

  async #standBy(session: Database): Promise<bigint | null> {
    const { config, heartbeat, log } = this.#parts;
    const holder = { owner: config.owner, topic: config.topics.dead.name };
    while (!this.#stopping.signal.aborted) {
      heartbeat.beat();
      const epoch = await takeAlerterLease(session, holder, LEASE_STALE_MS);
      if (epoch !== null) return epoch;
      const isNew = this.role !== 'standby';
      this.role = 'standby';
      if (isNew) {
        log.info('standing by: another instance is active');
        await this.#compareTopics(session, holder.topic);
      }
      this.#failures = 0;
      await pause(LOOK_EVERY_MS, this.#stopping.signal);
    }
    return null;
  }

  /** One database, one dead topic: an instance for another one would stand by for good. */
  async #compareTopics(session: Database, topic: string): Promise<void> {
    const active = await alerterLeaseHolder(session);
    if (active === undefined || active.topic === topic) return;
    this.#parts.log.error(
      { active: active.owner, its_topic: active.topic, topic },
      'the active alerter of this database watches another dead topic',
    );
  }

  async #beActive(session: Database, epoch: bigint): Promise<void> {
    const { config, metrics, log, heartbeat } = this.#parts;
    const lease = new Lease(session, epoch);
    const admin = new KafkaAdmin(config.kafka, {
      requestTimeoutMs: REQUEST_TIMEOUT_MS,
      onNotice: (notice) => log.warn({ notice }, 'kafka client'),
    });
    this.role = 'active';
    this.epoch = epoch;
    this.#failures = 0;
    metrics.alerterActive.set(1);
    log.info({ epoch: Number(epoch) }, 'active: reads the dead topic and sends');
    try {
      const brokers = this.#brokers;
      const parts = {
        ...this.#parts,
        session,
        lease,
        admin,
        book: this.#book,
        brokers,
        beat: () => heartbeat.beat(),
      };
      await runTerm(parts, this.#stopping.signal, this.#abandoned.signal);
    } finally {
      this.role = 'starting';
      this.epoch = null;
      metrics.alerterActive.set(0);
      metrics.alerterHeartbeatTimestampSeconds.set(0);
      admin.close();
    }
  }

  async #wait(error: unknown): Promise<void> {
    const { log } = this.#parts;
    this.#failures += 1;
    const failure = databaseFailureAtWork(error);
    if (error instanceof LeaseLost) log.warn({ err: error }, 'not active any more');
    else if (failure !== null) this.#postgres.failed(failure);
    else log.error({ err: error }, 'unexpected failure, beginning anew');
    const waitMs = backoffMs(this.#failures, RETRY_FIRST_MS, RETRY_LAST_MS);
    await pause(waitMs, this.#stopping.signal);
  }
}
