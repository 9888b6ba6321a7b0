import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  compareVersions,
  DEFAULT_DEFINITION,
  NAIVE_DEFINITION,
  readCampaignTotals,
  registerVersion,
  type CampaignTotalsRow,
} from '@adtally/analytics';
import type { Database } from '@adtally/db';
import type { CampaignBooks } from '@adtally/event-simulator';
import { repositoryRoot } from '@adtally/local-stack';
import { readFreshness } from '@adtally/system-metrics';
import { DemoError } from './errors.ts';
import { waitFor } from './waiting.ts';

/** What the rollups came to, before and after the query was put right. */
export interface RollupResult {
  /** Campaigns and currencies; each line of version 2 must equal the producer's books. */
  readonly campaigns: readonly CampaignTotalsRow[];
  /** One sentence for each line that differs. */
  readonly problems: readonly string[];
  /** Lines of version 1, the query that assumes a global order, that were wrong. */
  readonly wrongBefore: number;
  /** Events that were counted otherwise by version 1 than by version 2, by what they count for. */
  readonly differences: Readonly<Record<string, bigint>>;
}

const MAIN = join(repositoryRoot, 'apps/backfill-runner/src/main.ts');
const RUN = ['run', '--version', String(DEFAULT_DEFINITION.version)];
const PROMOTE = ['promote', '--version', String(DEFAULT_DEFINITION.version)];
const WHY = ['--execute', '--actor', 'demo', '--reason', 'takes no order of arrival for granted'];
/** The youngest cohort must end, and all before it be summed up. */
const SETTLE_LIMIT_MS = 120_000;
const POLL_MS = 200;
/** As fresh as it gets, so that what comes late does come late. */
const FAST = { ROLLUP_SETTLE_MS: '0', ROLLUP_TURN_MS: '200ms' };

/** The rollups' side of a demo: a worker that starts with the wrong query, and the way to the right one. */
export class DemoRollups {
  readonly #db: Database;
  readonly #env: NodeJS.ProcessEnv;
  readonly #logFile: string;
  #worker: ChildProcess | null = null;
  readonly #killWorker = (): void => void this.#worker?.kill('SIGKILL');

  constructor(db: Database, env: NodeJS.ProcessEnv, logFolder: string) {
    this.#db = db;
    this.#env = { ...env, ...FAST };
    this.#logFile = join(logFolder, 'backfill-runner.log');
  }

  /** A worker keeps version 1 while events arrive; the only version is what readers see. */
  async start(): Promise<void> {
    await registerVersion(this.#db, NAIVE_DEFINITION, 'the beginning');
    this.#worker = this.#spawn(['--watch']);
    process.on('exit', this.#killWorker);
  }

  /** Once everything is counted: version 1 as it stands, then `run` and `promote` of version 2. */
  async putRight(
    books: CampaignBooks,
    untilMs: number,
    signal: AbortSignal,
  ): Promise<RollupResult> {
    await this.#untilSettled(untilMs, signal);
    const expected = books.totals(DEFAULT_DEFINITION);
    const before = await readCampaignTotals(this.#db);
    await this.#command([...RUN, ...WHY]);
    await this.#command([...PROMOTE, ...WHY]);
    await this.#untilSettled(untilMs, signal);
    const campaigns = await readCampaignTotals(this.#db);
    const differences = await compareVersions(
      this.#db,
      NAIVE_DEFINITION.version,
      DEFAULT_DEFINITION.version,
    );
    const byMeasure = Map.groupBy(differences, ({ measure }) => measure);
    return {
      campaigns,
      problems: differencesOf(expected, campaigns),
      wrongBefore: differencesOf(expected, before).length,
      differences: Object.fromEntries(
        [...byMeasure].map(([measure, rows]) => [
          measure,
          rows.reduce(
            (sum, { left, right }) => sum + (right > left ? right - left : left - right),
            0n,
          ),
        ]),
      ),
    };
  }

  async end(): Promise<void> {
    process.off('exit', this.#killWorker);
    const worker = this.#worker;
    this.#worker = null;
    if (worker === null || worker.exitCode !== null || worker.signalCode !== null) return;
    const ended = once(worker, 'exit');
    worker.kill('SIGTERM');
    await ended;
  }

  async #untilSettled(untilMs: number, signal: AbortSignal): Promise<void> {
    const wait = { what: 'the rollups', limitMs: SETTLE_LIMIT_MS, pollMs: POLL_MS, signal };
    await waitFor(wait, async () => {
      const { frontierMs, waitingNotes, waitingBases, unclaimedVersions } = await readFreshness(
        this.#db,
      );
      const isDone = waitingNotes + waitingBases + unclaimedVersions === 0;
      return frontierMs > untilMs && isDone ? true : undefined;
    });
  }

  async #command(argv: readonly string[]): Promise<void> {
    const [code] = (await once(this.#spawn(argv), 'exit')) as [number | null];
    if (code !== 0) {
      throw new DemoError(`backfill-runner ${argv[0]} ended with ${code}; see ${this.#logFile}`);
    }
  }

  #spawn(argv: readonly string[]): ChildProcess {
    mkdirSync(dirname(this.#logFile), { recursive: true });
    const log = openSync(this.#logFile, 'a');
    try {
      return spawn(process.execPath, ['--conditions=@adtally/source', MAIN, ...argv], {
        stdio: ['ignore', log, log],
        env: this.#env,
        detached: true,
      });
    } finally {
      closeSync(log);
    }
  }
}

/** Line by line; one that only one side knows differs. */
export function differencesOf(
  expected: readonly object[],
  actual: readonly CampaignTotalsRow[],
): string[] {
  const text = (row: object): string =>
    JSON.stringify(row, (_key, value: unknown) =>
      typeof value === 'bigint' ? String(value) : value,
    );
  const name = (row: object): string => {
    const { campaign_id, currency } = row as CampaignTotalsRow;
    return `${campaign_id} ${currency}`;
  };
  const found = new Map(actual.map((row) => [name(row), text(row)]));
  const problems = expected
    .filter((row) => found.get(name(row)) !== text(row))
    .map((row) => `rollups of ${text(row)}: found ${found.get(name(row)) ?? 'nothing'}`);
  const known = new Set(expected.map(name));
  const unknown = actual.filter((row) => !known.has(name(row)));
  return [...problems, ...unknown.map((row) => `rollups: ${text(row)} was never produced`)];
}
