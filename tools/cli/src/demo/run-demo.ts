import { constants } from 'node:os';
import { wholeAudit } from '@adtally/analytics';
import { openDatabase } from '@adtally/db';
import { CampaignBooks } from '@adtally/event-simulator';
import type { KafkaSettings } from '@adtally/kafka';
import { readKafkaSettings } from '@adtally/kafka/env';
import { ensureStack, type StackAddresses } from '@adtally/local-stack';
import { say } from '@adtally/command-line';
import { orUsageError } from '../or-usage-error.ts';
import { serviceEnvironment } from '../stack.ts';
import { countWithKill } from './counting.ts';
import { findDeadLetterCopies } from './dead-letter-copies.ts';
import { Interrupted } from './errors.ts';
import { showFailurePath } from './failure-path.ts';
import { Fleet } from './fleet.ts';
import { Observer } from './observer.ts';
import { commandSeconds } from './process-age.ts';
import { readTally } from './read-tally.ts';
import { recountDemo } from './recount.ts';
import type { DemoResult } from './report.ts';
import { DemoRollups } from './rollups.ts';
import { drawUpStatement } from './statement.ts';
import { tallyOfTruth } from './tally.ts';
import { makeWorkspace, topicVariables, type Workspace } from './workspace.ts';

export interface DemoOptions {
  readonly events: number;
  readonly seed: number;
  /** Counts the topic anew in Python as well. */
  readonly recount: boolean;
}

const AUDIT = { rollups: { full: true } };
const SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];
const SIGNAL_EXIT_BASE = 128;
/** Predictions outlive the demo in Redis; not by hours. */
const DEDUP_TTL_SECONDS = '1800';
/** An empty variable means its default. These would change what is right, or who is who. */
const DEFAULTED = [
  'DATABASE_URL_FILE', // the demo's own database is named by DATABASE_URL
  'EVENTS_TOPIC_MAY_HAVE_GAPS',
  'GROUP_INSTANCE_ID',
  'JSON_MAX_DEPTH',
  'RECORD_MAX_BYTES',
  'START_AT',
  'ADMIN_HOST',
];

/**
 * Brings the stack up, produces, counts with two consumers, kills one half way, and compares.
 * @throws DemoError, StackError where it cannot be brought to an end; Interrupted after a signal
 */
export async function runDemo(options: DemoOptions): Promise<DemoResult> {
  const addresses = await ensureStack();
  const kafka = kafkaSettings(addresses);
  const workspace = await makeWorkspace(addresses, kafka);
  const readySeconds = commandSeconds();
  say(`ready after ${readySeconds.toFixed(1)} s; database ${workspace.database}`);
  const interrupt = interruptSignal();
  try {
    const found = await countAndCompare(options, kafka, addresses, workspace, interrupt.signal);
    return { ...found, readySeconds, seconds: commandSeconds() };
  } catch (error) {
    say(`logs of this demo: ${workspace.logFolder}; of the servers: the folder above it`);
    throw error;
  } finally {
    interrupt.release();
  }
}

async function countAndCompare(
  { events, seed, recount }: DemoOptions,
  kafka: KafkaSettings,
  addresses: StackAddresses,
  workspace: Workspace,
  signal: AbortSignal,
): Promise<Omit<DemoResult, 'readySeconds' | 'seconds'>> {
  const { databaseUrl, topics, name, logFolder, database } = workspace;
  const db = openDatabase(databaseUrl, {
    applicationName: 'adtally-demo',
    maxConnections: 2,
    // An audit bounds itself.
    statementTimeoutMs: 0,
  });
  const environment = consumerEnvironment(addresses, workspace);
  const fleet = new Fleet(environment, logFolder);
  const rollups = new DemoRollups(db, environment, logFolder);
  const books = new CampaignBooks();
  const observer = new Observer(db, kafka, fleet, topics.events, events);
  try {
    const topic = topics.events;
    const parts = { kafka, topic, fleet, observer, events, seed, books, signal };
    await rollups.start();
    const { truth, seconds, ...counted } = await countWithKill(parts);
    observer.tell('summing up by campaign: first the wrong query, then the right one');
    const rollupResult = await rollups.putRight(books, Date.now(), signal);
    observer.tell('auditing');
    const audit = await wholeAudit(db, AUDIT);
    const places = { ...topics, groupId: `adtally-demo-${name}-dlq-check` };
    const letters = await findDeadLetterCopies(db, kafka, places, signal);
    const actual = await readTally(db, audit, letters.kept);
    const failurePath = await showFailurePath({ db, kafka, topic, fleet, observer, name, signal });
    observer.tell('drawing up a statement');
    const { campaigns } = rollupResult;
    const statement = await drawUpStatement(campaigns, logFolder, fleet.env, signal);
    observer.tell('auditing again');
    // The ledger only grows: what balances now balanced before.
    const lastAudit = await wholeAudit(db, AUDIT);
    if (recount) observer.tell('counting anew in Python');
    return {
      ...counted,
      events,
      seed,
      expected: tallyOfTruth(truth),
      actual,
      failurePath,
      audit: lastAudit,
      recount: recount ? await recountDemo(fleet.env) : null,
      rollups: rollupResult,
      statement,
      produceFailures: truth.failed + truth.unknown,
      dlqRecords: letters.onTopic,
      countSeconds: seconds,
      database,
      topics,
      logFolder,
    };
  } finally {
    observer.close();
    await rollups.end();
    await fleet.end();
    await db.destroy();
  }
}

function consumerEnvironment(
  addresses: StackAddresses,
  { databaseUrl, topics, name }: Workspace,
): NodeJS.ProcessEnv {
  return {
    DEDUP_TTL_SECONDS,
    ...serviceEnvironment(process.env, addresses),
    ...Object.fromEntries(DEFAULTED.map((variable) => [variable, ''])),
    ...topicVariables(topics),
    DATABASE_URL: databaseUrl,
    CONSUMER_GROUP: `adtally-demo-${name}`,
    ADMIN_PORT: '0',
  };
}

function kafkaSettings({ kafkaBrokers }: StackAddresses): KafkaSettings {
  return orUsageError(() => readKafkaSettings({ ...process.env, KAFKA_BROKERS: kafkaBrokers }));
}

/** Aborts at the first Ctrl-C, which ends the children in order; the second ends everything at once. */
function interruptSignal(): { signal: AbortSignal; release: () => void } {
  const controller = new AbortController();
  const onSignal = (signal: NodeJS.Signals): void => {
    const exitCode = SIGNAL_EXIT_BASE + constants.signals[signal];
    if (controller.signal.aborted) process.exit(exitCode);
    say(`${signal}: ending the consumers`);
    controller.abort(new Interrupted(signal, exitCode));
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  return {
    signal: controller.signal,
    release: () => {
      for (const signal of SIGNALS) process.off(signal, onSignal);
    },
  };
}
