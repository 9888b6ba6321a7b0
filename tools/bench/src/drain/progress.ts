import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { BenchError } from '../errors.ts';

/** Where a drain stands. Times in seconds since 1970, by the database's clock; null = not yet. */
export interface DrainState {
  readonly committed: number;
  readonly firstClaim: number | null;
  /** Processes that have claimed a partition. */
  readonly owners: number;
  /** Now. */
  readonly at: number;
  readonly halted: string | null;
}

interface Row {
  readonly committed: string;
  readonly first: number | null;
  readonly owners: number;
  readonly at: number;
  readonly halted: string | null;
}

const STALL_LIMIT_MS = 60_000;

/** Watches a drain through the database it fills. */
export class DrainWatch {
  readonly #client: Client;

  private constructor(client: Client) {
    this.#client = client;
  }

  static async open(databaseUrl: string): Promise<DrainWatch> {
    const client = new Client({ connectionString: databaseUrl });
    client.on('error', () => undefined);
    await client.connect();
    return new DrainWatch(client);
  }

  async close(): Promise<void> {
    await this.#client.end();
  }

  /**
   * Asks every `pollMs` until the state is as wanted.
   *
   * @throws BenchError when a partition is halted or nothing moves for 60 s; whatever `check` throws
   */
  async until(
    isReached: (state: DrainState) => boolean,
    pollMs: number,
    check: (state: DrainState) => void,
  ): Promise<DrainState> {
    let committed = 0;
    let movedMs = performance.now();
    for (;;) {
      const state = await this.read();
      check(state);
      if (isReached(state)) return state;
      if (state.halted !== null) throw new BenchError(`a partition is halted: ${state.halted}`);
      if (state.committed !== committed) {
        committed = state.committed;
        movedMs = performance.now();
      } else if (performance.now() - movedMs > STALL_LIMIT_MS) {
        throw new BenchError(`the drain stands still at ${committed} records`);
      }
      await sleep(pollMs);
    }
  }

  /** One cheap look: a dozen cursor rows. */
  async read(): Promise<DrainState> {
    const { rows } = await this.#client.query<Row>(
      `SELECT coalesce(sum(next_offset), 0) AS committed, max(halted_code) AS halted,
              extract(epoch FROM min(claimed_at))::float8 AS first, count(DISTINCT owner)::int AS owners,
              extract(epoch FROM clock_timestamp())::float8 AS at
       FROM cursors`,
    );
    const row = rows[0];
    return {
      committed: Number(row?.committed ?? 0),
      firstClaim: row?.first ?? null,
      owners: row?.owners ?? 0,
      at: row?.at ?? Number.NaN,
      halted: row?.halted ?? null,
    };
  }

  /** When the last batch was committed, as its ledger row says. */
  async lastCommit(): Promise<number> {
    const { rows } = await this.#client.query<{ last: number | null }>(
      `SELECT extract(epoch FROM max(committed_at))::float8 AS last
       FROM ledger WHERE first_offset IS NOT NULL`,
    );
    return rows[0]?.last ?? Number.NaN;
  }
}
