import { registerTopic } from '@adtally/db';
import { DEFAULT_TOPIC_RULES } from '@adtally/event-schema';
import type { GroupConsumer } from '@adtally/kafka';
import { createLogger, createMetrics, type Logger } from '@adtally/telemetry';
import { uniqueName } from '@adtally/testkit';
import { expect, onTestFinished, test } from 'vitest';
import {
  LOOP_METRICS,
  Ownership,
  PartitionClaims,
  WriterLink,
  type ClaimPreparation,
} from '../src/index.ts';
import { useBench } from './support/bench.ts';

const bench = useBench();
const SIGNAL = new AbortController().signal;
const log = { logStart: 0, end: 0 };

/** That a partition's claim is prepared. */
function readyOf(topic: string, partition: number, sourceId: number, partitionCount: number) {
  const ready = { topicId: topic, partitionCount, sourceId, nextOffset: 0, log, lastRead: null };
  return { kind: 'ready', partition, ready };
}

/** Claims of whatever these findings hold at the time. */
function claimsOf(
  kind: 'events' | 'dlq',
  topic: string,
  logger: Logger,
  findings: readonly object[],
): { claims: PartitionClaims; ownership: Ownership } {
  const ownership = new Ownership();
  const link = new WriterLink(
    {
      databaseUrl: bench.url,
      applicationName: 'test',
      lockTimeoutMs: 100,
      statementTimeoutMs: 5_000,
      connectTimeoutMs: 5_000,
    },
    { held: () => ownership.allOwned() },
    logger,
  );
  onTestFinished(() => link.close());
  const claims = new PartitionClaims(
    {
      consumer: { start: () => undefined, stop: () => undefined } as unknown as GroupConsumer,
      preparation: { take: () => findings } as unknown as ClaimPreparation,
      link,
      ownership,
      metrics: createMetrics({ service: 'test', version: '0', definitions: LOOP_METRICS }),
      log: logger,
    },
    { kind, topic, owner: 'test' },
  );
  return { claims, ownership };
}

/** Claims of a topic of one partition that is prepared and ready, while nobody can read `topic_rules`. */
async function claimsWithoutRules(kind: 'events' | 'dlq', isHalted: boolean) {
  const topic = uniqueName('claims');
  const request = { kind, topic, topicId: topic, partitions: 1, genesis: () => 0n };
  const [source] = await registerTopic(bench.db, request);
  const sourceId = source?.sourceId ?? 0;
  if (isHalted) {
    const halt = `halted_code = 'hole', halted_detail = 'test', halted_at = now()`;
    await bench.control.query(`UPDATE cursors SET ${halt} WHERE source_id = ${sourceId}`);
  }
  const told: { level: string; msg: string }[] = [];
  const logger = createLogger({
    service: 'test',
    level: 'warn',
    destination: { write: (line: string) => told.push(JSON.parse(line) as never) },
  });
  const locking = await bench.session();
  await locking.query('BEGIN; LOCK TABLE topic_rules IN ACCESS EXCLUSIVE MODE');
  const { claims, ownership } = claimsOf(kind, topic, logger, [readyOf(topic, 0, sourceId, 1)]);
  ownership.grant(0, 0);
  return { claims, ownership, told };
}

test('a partition whose rules cannot be read is not read, and claimed again', async () => {
  const { claims, ownership, told } = await claimsWithoutRules('events', false);
  expect(await claims.takeUp(SIGNAL)).toBeNull();
  expect(ownership.allOwned()).toEqual([]);
  expect(told).toMatchObject([{ level: 'warn', partitions: [0], failures: 1 }]);
});

test('where all that was ready is halted, rules that cannot be read put nothing off', async () => {
  const { claims, ownership, told } = await claimsWithoutRules('events', true);
  expect(await claims.takeUp(SIGNAL)).toBeNull();
  expect(ownership.isHalted(0)).toBe(true);
  expect(told).toMatchObject([{ level: 'error', code: 'hole' }]);
});

test('copies of dead letters are read by no rules: their claims ask for none', async () => {
  const { claims, ownership, told } = await claimsWithoutRules('dlq', false);
  expect(await claims.takeUp(SIGNAL)).toMatchObject({ rules: DEFAULT_TOPIC_RULES });
  expect(ownership.allOwned()).toHaveLength(1);
  expect(told).toEqual([]);
});

test('of partitions that are prepared together one that is locked waits by itself', async () => {
  const topic = uniqueName('claims');
  const request = {
    kind: 'events',
    topic,
    topicId: topic,
    partitions: 3,
    genesis: () => 0n,
  } as const;
  const sources = await registerTopic(bench.db, request);
  const logger = createLogger({ service: 'test', level: 'fatal' });
  const findings = sources.map(({ partition, sourceId }) =>
    readyOf(topic, partition, sourceId, sources.length),
  );
  const { claims, ownership } = claimsOf('events', topic, logger, findings);
  for (const { partition } of sources) ownership.grant(partition, 0);
  const locking = await bench.session();
  await locking.query(
    `BEGIN; SELECT 1 FROM cursors WHERE source_id = ${sources[1]?.sourceId} FOR UPDATE`,
  );
  await claims.takeUp(SIGNAL);
  const owned = (): number[] => ownership.allOwned().map(({ partition }) => partition);
  expect(owned()).toEqual([0, 2]);
  expect(ownership.failures(1)).toBe(1);
  await locking.query('ROLLBACK');
  findings.splice(0, 3, findings[1] as (typeof findings)[0]);
  await claims.takeUp(SIGNAL);
  expect(owned().toSorted()).toEqual([0, 1, 2]);
});
