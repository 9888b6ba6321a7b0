import { type Database, toldReadingLimits } from '@adtally/db';
import type { KafkaSettings } from '@adtally/kafka';
import { sql } from 'kysely';
import { setTimeout as sleep } from 'node:timers/promises';
import { AppProcess } from './app-process.ts';
import type { Fleet } from './fleet.ts';
import {
  hopelessRecords,
  LATER_CAMPAIGN,
  LATER_PRICE_MICROS,
  LATER_VERSION,
  laterVersionRecords,
  send,
} from './later-version.ts';
import type { Observer } from './observer.ts';
import { readLetters, type Letters } from './read-letters.ts';
import { runOps } from './run-ops.ts';
import { waitFor } from './waiting.ts';
import { type Page, WebhookListener } from './webhook-listener.ts';

export interface FailurePathParts {
  readonly db: Database;
  readonly kafka: KafkaSettings;
  readonly topic: string;
  readonly fleet: Fleet;
  readonly observer: Observer;
  /** Names the groups of this demo. */
  readonly name: string;
  readonly signal: AbortSignal;
}

/** A figure that is known beforehand, and what was found. */
export interface FailureLine {
  readonly name: string;
  readonly expected: bigint;
  readonly actual: bigint;
}

export interface FailurePath {
  readonly lines: readonly FailureLine[];
  /** By the code they were rejected with first. */
  readonly letters: Readonly<Record<string, Letters>>;
  readonly pages: readonly string[];
  readonly exitCodes: Readonly<Record<string, number>>;
}

const LATER_EVENTS = 200;
const HOPELESS = 6;
/** Discarded before the deploy, so that of this code only the six hopeless ones go to the dead topic. */
const DISCARDED_CODE = 'empty';
const WAIT = { limitMs: 90_000, pollMs: 100 } as const;
/** Long enough for a second page to show up, were there one. */
const QUIET_MS = 3_000;
/** Each letter is tried once and then waits for whoever looks after it. */
const REPROCESSOR = {
  RETRY_INTERVAL_MS: '300ms',
  RETRY_BACKOFF_FIRST_MS: '1h',
  RETRY_BACKOFF_LAST_MS: '1h',
  MAX_ATTEMPTS_BY_CODE: '',
};

/**
 * What happens to records that cannot be counted: a producer is upgraded before its readers, its records
 * are dead-lettered, the version that reads them is deployed, an operator redrives them; some letters are
 * discarded, and six that are hopeless go to the dead topic and page once.
 */
export async function showFailurePath(parts: FailurePathParts): Promise<FailurePath> {
  const { fleet, observer, kafka, topic, db, name, signal } = parts;
  const listener = await WebhookListener.listen();
  const exitCodes: Record<string, number> = {};
  const end = async (...services: AppProcess[]): Promise<void> => {
    for (const service of services) exitCodes[service.label] = await service.stop();
  };
  try {
    observer.tell('failure path: starting dlq-reprocessor and dead-queue-alerter');
    const group = { REPROCESSOR_GROUP: `adtally-demo-${name}-reprocessor`, ...REPROCESSOR };
    const alerter = await fleet.start('alerter', 'dead-queue-alerter', {
      ALERT_WEBHOOK_URL: listener.url,
    });
    const [consumer, reprocessor] = await Promise.all([
      fleet.start('consumer-before'),
      fleet.start('reprocessor-before', 'dlq-reprocessor', group),
    ]);
    await lettersSettle(parts, 0);
    const { since, letters: before } = await lettersNow(db);
    await send(kafka, laterVersionRecords(topic, LATER_EVENTS));
    observer.tell(
      `${LATER_EVENTS} events of schema version ${LATER_VERSION}, which nobody reads yet`,
    );
    await lettersSettle(parts, before + LATER_EVENTS);

    observer.tell(`deploying the version that reads schema version ${LATER_VERSION}`);
    await end(consumer, reprocessor);
    await runOps(
      ['discard', '--code', DISCARDED_CODE, '--execute', '--reason', 'demo: nobody needs them'],
      fleet.env,
      signal,
    );
    const upgraded = { SCHEMA_VERSIONS_READ_AS_NEWEST: String(LATER_VERSION) };
    const [consumerAfter, reprocessorAfter] = await Promise.all([
      fleet.start('consumer-after', 'ingest-consumer', upgraded),
      fleet.start('reprocessor-after', 'dlq-reprocessor', {
        ...group,
        ...upgraded,
        MAX_ATTEMPTS_BY_CODE: 'empty=1',
      }),
    ]);
    await untilRead(parts, LATER_VERSION);
    const filter = ['--code', 'schema_mismatch', '--state', 'pending', '--since', since];
    const dry = await runOps(['redrive', ...filter], fleet.env, signal);
    const job = await runOps(
      [
        'redrive',
        ...filter,
        '--rate',
        '1000',
        '--execute',
        '--wait',
        '--reason',
        'demo: version deployed',
      ],
      fleet.env,
      signal,
    );
    observer.tell('redriven; sending six hopeless records');
    await send(kafka, hopelessRecords(topic, HOPELESS));
    await waitFor({ ...WAIT, what: 'the page', signal }, async () => {
      fleet.checkAlive();
      return listener.pages.some(isOfDeadLetters) ? true : undefined;
    });
    await sleep(QUIET_MS, undefined, { signal });
    await end(consumerAfter, reprocessorAfter, alerter);
    const letters = await readLetters(db);
    const pages = listener.pages.map(({ status, summary }) => `${status}: ${summary}`);
    const lines = [
      ...settledLines(letters),
      ...(await redrivenLines(db, dry, job)),
      line('pages for six dead letters', 1, listener.pages.filter(isOfDeadLetters).length),
    ];
    return { lines, letters, pages, exitCodes };
  } finally {
    listener.close();
  }
}

/** Others page too, for a partition that stands still: they are shown and not counted here. */
function isOfDeadLetters({ alertname }: Page): boolean {
  return alertname === 'DeadEventRateHigh';
}

function line(name: string, expected: number | bigint, actual: number | bigint): FailureLine {
  return { name, expected: BigInt(expected), actual: BigInt(actual) };
}

/** By code: what was dead-lettered is resolved, dead, pending or discarded, and nothing else. */
function settledLines(letters: Readonly<Record<string, Letters>>): FailureLine[] {
  return Object.entries(letters).map(([code, of]) =>
    line(
      `${code} = resolved + dead + pending + discarded`,
      of.deadLettered,
      of.resolved + of.dead + of.pending + of.discarded,
    ),
  );
}

async function redrivenLines(
  db: Database,
  dry: Record<string, unknown>,
  job: Record<string, unknown>,
): Promise<FailureLine[]> {
  const later = await db
    .selectFrom('events')
    .select(({ fn }) => [
      fn.countAll<bigint>().as('events'),
      fn.sum<string | null>('amount_micros').as('micros'),
    ])
    .where('campaign_id', '=', LATER_CAMPAIGN)
    .executeTakeFirstOrThrow();
  const outcomes = (job['outcomes'] ?? {}) as Record<string, number>;
  const dead = await db
    .selectFrom('dead_letters')
    .select(({ fn }) => fn.countAll<bigint>().as('letters'))
    .where('state', '=', 'dead')
    .executeTakeFirstOrThrow();
  return [
    line('would pass after the deploy', LATER_EVENTS, Number(dry['would_pass'] ?? -1)),
    line('redriven and stored', LATER_EVENTS, outcomes['stored'] ?? -1),
    line('events of the later version', LATER_EVENTS, Number(later.events)),
    line(
      'their money in micros',
      BigInt(LATER_EVENTS) * LATER_PRICE_MICROS,
      BigInt(later.micros ?? 0),
    ),
    line('letters on the dead topic', HOPELESS, Number(dead.letters)),
  ];
}

/** Waits until the deployed reprocessor has told by which limits it judges: a dry run goes by them. */
async function untilRead({ db, fleet, signal }: FailurePathParts, version: number): Promise<void> {
  await waitFor({ ...WAIT, what: 'the deployed version to be told', signal }, async () => {
    fleet.checkAlive();
    const told = await toldReadingLimits(db);
    return told.some(({ readAsNewest }) => readAsNewest.has(version)) ? true : undefined;
  });
}

async function lettersNow(db: Database): Promise<{ since: string; letters: number }> {
  const { rows } = await sql<{ now: Date; letters: number }>`
    SELECT clock_timestamp() AS now, (SELECT count(*)::int FROM dead_letters) AS letters`.execute(
    db,
  );
  const now = rows[0]?.now ?? new Date();
  return { since: now.toISOString(), letters: rows[0]?.letters ?? 0 };
}

/** Waits until every dead-lettered record is a letter and was tried once, and there are so many at least. */
async function lettersSettle(
  { db, fleet, signal }: FailurePathParts,
  lettersMin: number,
): Promise<void> {
  await waitFor({ ...WAIT, what: 'the letters to be tried', signal }, async () => {
    fleet.checkAlive();
    const { rows } = await sql<{ referenced: number; letters: number; open: number }>`
      SELECT (SELECT count(*)::int FROM dead_letter_refs) AS referenced,
             (SELECT count(*)::int FROM dead_letters WHERE state NOT IN ('unconfirmed', 'orphan')) AS letters,
             (SELECT count(*)::int FROM dead_letters
              WHERE state = 'unconfirmed' OR (state = 'pending' AND (attempts = 0 OR lease_epoch IS NOT NULL))) AS open`.execute(
      db,
    );
    const found = rows[0];
    const isSettled =
      found !== undefined &&
      found.letters >= lettersMin &&
      found.letters === found.referenced &&
      found.open === 0;
    return isSettled ? true : undefined;
  });
}
