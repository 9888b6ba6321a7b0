import {
  ensureSomeVersion,
  foldRollups,
  keepRollups,
  readIngestLag,
  readRollupNeeds,
  rollupNeedText,
  type FoldedTurn,
  type KeptTurn,
} from '@adtally/analytics';
import {
  cutConnections,
  databaseFailure,
  databaseFailureAtWork,
  openDatabase,
  requireSchema,
  type Database,
} from '@adtally/db';
import { Abandoned, pause } from '@adtally/pacing';
import {
  DrainCutShort,
  giveUpAfterMs,
  ServerStanding,
  untilItAnswers,
  type Heartbeat,
  type Service,
  type Work,
  WorkBook,
} from '@adtally/service';
import { readFreshness } from '@adtally/system-metrics';
import type { Logger, Tracer } from '@adtally/telemetry';
import type { RunnerConfig } from './env.ts';
import type { KeeperMetrics } from './metrics.ts';

/** What of the configuration the worker goes by. */
type KeeperConfig = Pick<
  RunnerConfig,
  | 'databaseUrl'
  | 'drainDeadlineMs'
  | 'refusedMaxMs'
  | 'turnMs'
  | 'settleMs'
  | 'lateBatch'
  | 'baseRows'
  | 'lateWindowDays'
  | 'lagMaxRecords'
>;

export interface RollupKeeperParts {
  readonly config: KeeperConfig;
  readonly metrics: KeeperMetrics;
  readonly tracer?: Tracer | undefined;
  readonly log: Logger;
  readonly heartbeat: Heartbeat;
}

/** One at the worker's turn, one for freshness and status. */
const CONNECTIONS = 2;
/** A base of ten seconds at full load takes seconds, of ids without a time a scan of all events. */
const STATEMENT_TIMEOUT_MS = 1_800_000;
const RETRY_MS = 1_000;
const DAY_MS = 86_400_000;
/** What is in hand; how many rows it moves is known once it is done. */
const TURN = 'a turn of the rollups';
/** The frontier waits for ingest to catch up, but not for ever: a partition may never do. */
const HOLD_MAX_MS = 900_000;

/** Keeps every version of the rollups up to date until it is stopped. */
export class RollupKeeper implements Service {
  readonly name = 'rollup-keeper';
  readonly failed: Promise<Error>;
  readonly #parts: RollupKeeperParts;
  readonly #stopping = new AbortController();
  readonly #failure = Promise.withResolvers<Error>();
  readonly #db: Database;
  readonly #postgres: ServerStanding;
  #running: Promise<void> = Promise.resolve();
  #heldSinceMs: number | null = null;
  /** The schema is this build's, as far as known since the last failure. */
  #isPrepared = false;
  #hasTurned = false;
  readonly #book = new WorkBook();

  constructor(parts: RollupKeeperParts) {
    this.#parts = parts;
    this.failed = this.#failure.promise;
    const { refusedMaxMs } = parts.config;
    this.#postgres = new ServerStanding({ title: 'PostgreSQL', refusedMaxMs, log: parts.log });
    this.#db = openDatabase(parts.config.databaseUrl, {
      applicationName: 'adtally-backfill-runner',
      maxConnections: CONNECTIONS,
      statementTimeoutMs: STATEMENT_TIMEOUT_MS,
    });
  }

  async start(): Promise<void> {
    this.#running = this.#run().catch((error: unknown) => {
      this.#parts.log.fatal({ err: error }, 'rollups stopped: a person must look at this');
      this.#failure.resolve(error instanceof Error ? error : new Error(String(error)));
    });
  }

  /** Lets the turn in hand end, within bounds: nothing of it is lost, it is only done again. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    const giveUpMs = giveUpAfterMs(this.#parts.config.drainDeadlineMs);
    const cut = setTimeout(() => cutConnections(this.#db), giveUpMs);
    await this.#running;
    clearTimeout(cut);
    await this.#db.destroy();
    const left = this.work().inHand;
    this.#book.clear();
    if (left.length > 0) throw new DrainCutShort(left);
  }

  work(): Work {
    return this.#book.work;
  }

  notReady(): string | undefined {
    const { failure } = this.#postgres;
    if (failure !== undefined) return `PostgreSQL: ${failure.detail} (${failure.code})`;
    return this.#hasTurned ? undefined : 'no turn has ended yet';
  }

  /** For `GET /status`. */
  async status(): Promise<object> {
    return await readFreshness(this.#db);
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    if (!(await this.#meetDatabase(signal))) return;
    while (!signal.aborted) {
      let pauseMs = this.#parts.config.turnMs;
      try {
        if (!this.#isPrepared) await this.#prepare();
        this.#book.begin(TURN, null);
        const turn = await this.#turn();
        this.#hasTurned = true;
        this.#postgres.answered();
        const folding = await this.#fold();
        this.#book.clear();
        if (turn.hasMore || folding.hasMore) pauseMs = 0;
      } catch (error) {
        if (signal.aborted) return;
        this.#book.clear();
        const failure = databaseFailureAtWork(error);
        if (failure === null) throw error;
        this.#postgres.failed(failure);
        // Another schema may be there after a reconnect (ADR 16).
        this.#isPrepared = false;
        pauseMs = RETRY_MS;
      }
      this.#parts.heartbeat.beat();
      // Also where there is more: a signal must get its turn.
      await pause(pauseMs, signal);
    }
  }

  /** Waits for the database; false where it was stopped meanwhile. Another schema than ours ends it (exit 78). */
  async #meetDatabase(signal: AbortSignal): Promise<boolean> {
    try {
      await untilItAnswers(this.#postgres, () => requireSchema(this.#db), {
        classify: databaseFailure,
        beat: () => this.#parts.heartbeat.beat(),
        signal,
      });
      this.#postgres.worked();
      return true;
    } catch (error) {
      if (error instanceof Abandoned) return false;
      throw error;
    }
  }

  async #prepare(): Promise<void> {
    await requireSchema(this.#db);
    await ensureSomeVersion(this.#db);
    for (const need of await readRollupNeeds(this.#db)) {
      this.#parts.log.warn({ need }, rollupNeedText(need));
    }
    this.#isPrepared = true;
  }

  async #turn(): Promise<KeptTurn> {
    const { metrics } = this.#parts;
    const startedMs = performance.now();
    const turn = await this.#traced(() => this.#keep());
    metrics.rollupTurnSeconds.record((performance.now() - startedMs) / 1000);
    metrics.rollupBaseEvents.add(turn.events);
    metrics.rollupLateImpressions.add(turn.lateImpressions);
    metrics.rollupSpoiledBases.add(turn.spoiledBases);
    return turn;
  }

  async #keep(): Promise<KeptTurn> {
    const { config } = this.#parts;
    return await keepRollups(
      this.#db,
      {
        settleMs: config.settleMs,
        maxImpressions: config.lateBatch,
        baseRows: config.baseRows,
        holdsFrontier: await this.#mustHold(),
      },
      this.#stopping.signal,
    );
  }

  /** After what makes figures fresh. */
  async #fold(): Promise<FoldedTurn> {
    const { config, metrics } = this.#parts;
    const lateWindowMs = config.lateWindowDays * DAY_MS;
    const folded = await foldRollups(this.#db, { lateWindowMs }, this.#stopping.signal);
    metrics.rollupFoldedBases.add(folded.bases);
    metrics.rollupFoldedRows.add(folded.rows);
    metrics.rollupUnfoldedBases.set(folded.waiting);
    return folded;
  }

  /** A trace of each turn that failed or had something to do: there is one a second that had not. */
  async #traced(keep: () => Promise<KeptTurn>): Promise<KeptTurn> {
    const { tracer } = this.#parts;
    if (tracer === undefined) return await keep();
    const startedAtMs = Date.now();
    const begin = () => tracer.begin('rollup turn', { kind: 'internal', startedAtMs });
    try {
      const turn = await keep();
      if (turn.bases === 0 && turn.lateImpressions === 0) return turn;
      const trace = begin();
      trace.set({
        'adtally.rollup.bases': turn.bases,
        'adtally.rollup.events': turn.events,
        'adtally.rollup.late_impressions': turn.lateImpressions,
      });
      trace.end();
      return turn;
    } catch (error) {
      begin().end(error);
      throw error;
    }
  }

  /** Behind a frontier that ran ahead of ingest every event is late: right, but dear. */
  async #mustHold(): Promise<boolean> {
    const { config, log } = this.#parts;
    const lag = await readIngestLag(this.#db);
    if (lag <= config.lagMaxRecords) {
      this.#heldSinceMs = null;
      return false;
    }
    if (this.#heldSinceMs === null) {
      this.#heldSinceMs = performance.now();
      log.info({ lag }, 'ingest is behind: the frontier waits');
    }
    return performance.now() - this.#heldSinceMs < HOLD_MAX_MS;
  }
}
