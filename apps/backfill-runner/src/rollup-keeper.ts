import {
  ensureSomeVersion,
  keepRollups,
  readIngestLag,
  readRollupNeeds,
  rollupNeedText,
  type KeptTurn,
} from '@adtally/analytics';
import {
  checkSchema,
  cutConnections,
  isTransientError,
  openDatabase,
  type Database,
} from '@adtally/db';
import { ConfigError } from '@adtally/config';
import { pause } from '@adtally/pacing';
import { giveUpAfterMs, type Heartbeat, type Service } from '@adtally/service';
import { readFreshness } from '@adtally/system-metrics';
import type { Logger } from '@adtally/telemetry';
import type { RunnerConfig } from './env.ts';
import type { KeeperMetrics } from './metrics.ts';

/** What of the configuration the worker goes by. */
type KeeperConfig = Pick<
  RunnerConfig,
  | 'databaseUrl'
  | 'drainDeadlineMs'
  | 'turnMs'
  | 'settleMs'
  | 'lateBatch'
  | 'baseRows'
  | 'lagMaxRecords'
>;

export interface RollupKeeperParts {
  readonly config: KeeperConfig;
  readonly metrics: KeeperMetrics;
  readonly log: Logger;
  readonly heartbeat: Heartbeat;
}

/** One at the worker's turn, one for freshness and status. */
const CONNECTIONS = 2;
/** A base of ten seconds at full load takes seconds, of ids without a time a scan of all events. */
const STATEMENT_TIMEOUT_MS = 1_800_000;
const RETRY_MS = 1_000;
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
  #running: Promise<void> = Promise.resolve();
  #heldSinceMs: number | null = null;
  #isReady = false;
  /** Whether the database was looked at since it was away: another copy may have come back. */
  #isPrepared = false;

  constructor(parts: RollupKeeperParts) {
    this.#parts = parts;
    this.failed = this.#failure.promise;
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
  }

  notReady(): string | undefined {
    return this.#isReady ? undefined : 'no turn has ended yet';
  }

  /** For `GET /status`. */
  async status(): Promise<object> {
    return await readFreshness(this.#db);
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      let pauseMs = this.#parts.config.turnMs;
      try {
        if (!this.#isPrepared) await this.#prepare();
        this.#isPrepared = true;
        const turn = await this.#turn();
        this.#isReady = true;
        if (turn.hasMore) pauseMs = 0;
      } catch (error) {
        if (signal.aborted) return;
        if (!isTransientError(error)) throw error;
        this.#isPrepared = false;
        this.#parts.log.warn({ err: error }, 'database not reachable, waiting');
        pauseMs = RETRY_MS;
      }
      this.#parts.heartbeat.beat();
      // Also where there is more: a signal must get its turn.
      await pause(pauseMs, signal);
    }
  }

  async #prepare(): Promise<void> {
    const check = await checkSchema(this.#db);
    if (!check.ok) throw new ConfigError([check.problem]);
    await ensureSomeVersion(this.#db);
    for (const need of await readRollupNeeds(this.#db)) {
      this.#parts.log.warn({ need }, rollupNeedText(need));
    }
  }

  async #turn(): Promise<KeptTurn> {
    const { config, metrics } = this.#parts;
    const startedMs = performance.now();
    const turn = await keepRollups(
      this.#db,
      {
        settleMs: config.settleMs,
        maxImpressions: config.lateBatch,
        baseRows: config.baseRows,
        holdsFrontier: await this.#mustHold(),
      },
      this.#stopping.signal,
    );
    metrics.rollupTurnSeconds.record((performance.now() - startedMs) / 1000);
    metrics.rollupBaseEvents.add(turn.events);
    metrics.rollupLateImpressions.add(turn.lateImpressions);
    metrics.rollupSpoiledBases.add(turn.spoiledBases);
    return turn;
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
