import { setTimeout as sleep } from 'node:timers/promises';
import type { World } from '@adtally/breaking-run';
import { auditDatabase, type Database } from '@adtally/db';

/** So much for each second an audit takes. */
const REST_SHARE = 9;
const REST_MIN_MS = 5_000;

/** Audits a world again and again while it is broken: what was counted balances at any moment, or never. */
export class AuditWatch {
  audits = 0;
  readonly problems: string[] = [];
  readonly #db: Database;
  readonly #ending = new AbortController();
  readonly #running: Promise<void>;

  constructor({ servers, names }: World) {
    this.#db = servers.database.admin(names.database, { statementTimeoutMs: 0 });
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#ending.abort();
    await this.#running;
    await this.#db.destroy();
  }

  async #run(): Promise<void> {
    const { signal } = this.#ending;
    while (!signal.aborted) {
      const fromMs = performance.now();
      await this.#audit();
      const restMs = Math.max(REST_MIN_MS, (performance.now() - fromMs) * REST_SHARE);
      await sleep(restMs, undefined, { signal }).catch(() => undefined);
    }
  }

  async #audit(): Promise<void> {
    try {
      const { balanced, checks } = await auditDatabase(this.#db);
      this.audits += 1;
      const broken = checks
        .filter(({ ok }) => !ok)
        .map(({ id, offending }) => `${id}: ${offending[0]?.detail ?? ''}`);
      if (!balanced) this.problems.push(`an audit meanwhile did not balance: ${broken.join(', ')}`);
    } catch {
      // A server that is away audits nothing.
    }
  }
}
