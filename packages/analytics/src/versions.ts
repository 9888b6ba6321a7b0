import { CommandError, EXIT } from '@adtally/command-line';
import {
  type Database,
  type DatabaseExecutor,
  type Operator,
  readWriteGuards,
  recordAction,
} from '@adtally/db';
import { sql } from 'kysely';
import { lackingBases } from './bases.ts';
import { COHORT_MS, lastCohortBefore, TIMELESS } from './cohorts.ts';
import { DEFAULT_DEFINITION, readDefinitions, type RollupDefinition } from './definitions.ts';

/** A request that the present state does not allow; nothing was changed. */
export class RefusedError extends CommandError {
  override readonly name = 'RefusedError';

  constructor(message: string, options: ErrorOptions = {}) {
    super(message, { ...options, exitCode: EXIT.refused });
  }
}

/** Where the worker begins to take a new version's bases. */
export type KeptFrom = 'the beginning' | 'the frontier';

/**
 * Makes a version known: from now on the worker keeps it. What lies before where it begins is left to a
 * backfill. Knowing it already is fine.
 *
 * @throws RefusedError where the version means something else in this database
 */
export async function registerVersion(
  db: Database,
  definition: RollupDefinition,
  keptFrom: KeptFrom,
): Promise<void> {
  const { version, algorithm, windowMs, toleranceMs, rollups } = definition;
  const { frontierMs } = await readWriteGuards(db);
  const claimedTo = keptFrom === 'the beginning' ? TIMELESS : lastCohortBefore(frontierMs);
  await db.transaction().execute(async (trx) => {
    const inserted = await trx
      .insertInto('rollup_versions')
      .values({
        version,
        algorithm,
        window_ms: BigInt(windowMs),
        tolerance_ms: BigInt(toleranceMs),
        claimed_through: claimedTo,
        rollups: [...rollups],
      })
      .onConflict((conflict) => conflict.column('version').doNothing())
      .returning('version')
      .executeTakeFirst();
    if (inserted !== undefined && keptFrom === 'the beginning') await claimTimeless(trx, version);
  });
  const known = (await readDefinitions(db)).find((one) => one.version === version);
  if (JSON.stringify(known) !== JSON.stringify(definition)) {
    throw new RefusedError(
      `version ${version} is known as ${JSON.stringify(known)}, not ${JSON.stringify(definition)}: take another number`,
    );
  }
}

/** Claims the base of the ids without a time; it is there once, whoever asks. */
export async function claimTimeless(db: DatabaseExecutor, version: number): Promise<void> {
  await db
    .insertInto('rollup_bases')
    .values({ version, first_cohort: TIMELESS, last_cohort: TIMELESS })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/** In a database that knows no version: registers the default one and shows it to readers. */
export async function ensureSomeVersion(db: Database): Promise<void> {
  if ((await readDefinitions(db)).length === 0) {
    await registerVersion(db, DEFAULT_DEFINITION, 'the beginning');
  }
  await db
    .insertInto('rollup_promotion')
    .columns(['version'])
    .expression((eb) =>
      eb
        .selectFrom('rollup_versions')
        .select(eb.fn.max('version').as('version'))
        .having(eb.fn.countAll<bigint>(), '=', 1n),
    )
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/** The version readers see and the one before it; null where nothing was promoted yet. */
export interface Promotion {
  readonly version: number;
  readonly previousVersion: number | null;
}

export async function readPromotion(db: DatabaseExecutor): Promise<Promotion | null> {
  const promotion = await db
    .selectFrom('rollup_promotion')
    .select(['version', 'previous_version as previousVersion'])
    .executeTakeFirst();
  return promotion ?? null;
}

/**
 * Shows another version to readers, in one transaction.
 *
 * @throws RefusedError where the version is unknown, or lacks bases of cohorts that the shown one has
 */
export async function promote(
  db: Database,
  version: number,
  operator: Operator,
): Promise<Promotion> {
  return await db.transaction().execute(async (trx) => {
    await sql`LOCK TABLE rollup_promotion IN SHARE ROW EXCLUSIVE MODE`.execute(trx);
    const known = (await readDefinitions(trx)).some((one) => one.version === version);
    if (!known) throw new RefusedError(`there is no version ${version}`);
    const shown = await readPromotion(trx);
    if (shown?.version === version) return shown;
    const { bases, purged } = await missingBases(trx, version, shown?.version ?? null);
    if (bases > 0n) {
      const whole =
        purged === 0n
          ? ''
          : `, without --from, since it takes ${purged} of them over whose events were purged`;
      throw new RefusedError(
        `version ${version} lacks ${bases} bases: run a backfill of it to its end first${whole}`,
      );
    }
    return await show(
      trx,
      { version, previousVersion: shown?.version ?? null },
      'promote',
      operator,
    );
  });
}

/**
 * Shows the version that was shown before, in one transaction. Once: then there is none before it.
 *
 * @throws RefusedError where there is no version before
 */
export async function rollback(db: Database, operator: Operator): Promise<Promotion> {
  return await db.transaction().execute(async (trx) => {
    await sql`LOCK TABLE rollup_promotion IN SHARE ROW EXCLUSIVE MODE`.execute(trx);
    const previous = (await readPromotion(trx))?.previousVersion ?? null;
    if (previous === null) throw new RefusedError('there is no version before this one');
    return await show(trx, { version: previous, previousVersion: null }, 'rollback', operator);
  });
}

async function show(
  trx: DatabaseExecutor,
  promotion: Promotion,
  action: 'promote' | 'rollback',
  operator: Operator,
): Promise<Promotion> {
  const { version, previousVersion } = promotion;
  const shown = { version, previous_version: previousVersion };
  await trx
    .insertInto('rollup_promotion')
    .values(shown)
    .onConflict((conflict) =>
      conflict.column('only_row').doUpdateSet({ ...shown, promoted_at: sql`clock_timestamp()` }),
    )
    .execute();
  await recordAction(trx, operator, `rollups ${action}`, { version });
  return promotion;
}

interface Missing {
  readonly bases: bigint;
  /** Of these, bases whose events left. */
  readonly purged: bigint;
}

/** Bases of `version` that are claimed and not taken, or that another version has and it lacks. */
async function missingBases(
  trx: DatabaseExecutor,
  version: number,
  other: number | null,
): Promise<Missing> {
  const { rows } = await sql<Missing>`
    SELECT count(*) AS bases, count(*) FILTER (WHERE is_purged) AS purged FROM (
      SELECT false AS is_purged FROM rollup_bases WHERE version = ${version} AND taken_at IS NULL
      UNION ALL
      SELECT first_cohort >= 0 AND first_cohort * ${COHORT_MS} < (SELECT horizon_ms FROM write_guards)
      FROM ${lackingBases(version, other)} lacking
    ) missing`.execute(trx);
  return rows[0] ?? { bases: 0n, purged: 0n };
}
