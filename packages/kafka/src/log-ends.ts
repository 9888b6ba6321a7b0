import type { AdminRequests } from './admin-requests.ts';
import type { KafkaError } from './errors.ts';
import { type ListedOffset, offsetIn } from './listed-offsets.ts';
import { OffsetSpec } from './rdkafka.ts';

/**
 * - `start`: the first offset a log holds
 * - `end`: one past the last record, records of open transactions included
 * - `stable_end`: where the first open transaction begins; without one, the end
 */
export type LogPoint = 'start' | 'end' | 'stable_end';

const SPEC = {
  start: OffsetSpec.EARLIEST,
  end: OffsetSpec.LATEST,
  stable_end: OffsetSpec.LATEST,
} as const satisfies Record<LogPoint, unknown>;
const READ_UNCOMMITTED = 0;
const READ_COMMITTED = 1;

/**
 * Asks for one point of many partitions' logs at once: one request for each broker that leads any.
 *
 * @param partitions those that have a leader: the client waits for one where there is none
 * @returns by partition the offset, or why this one is not known
 */
export async function listLogPoints(
  requests: AdminRequests,
  topic: string,
  partitions: readonly number[],
  point: LogPoint,
): Promise<Map<number, number | KafkaError>> {
  const doing = `${point} of ${topic}`;
  const asked = partitions.map((partition) => ({ topic, partition, offset: SPEC[point] }));
  const isolationLevel = point === 'stable_end' ? READ_COMMITTED : READ_UNCOMMITTED;
  const found = await requests.question<ListedOffset[]>(doing, (client, timeout, done) =>
    client.listOffsets(asked, { timeout, isolationLevel }, done),
  );
  return new Map(
    found.map((one) => [
      one.partition,
      offsetIn(one, `${doing}[${one.partition}]`, (error, what) => requests.explain(error, what)),
    ]),
  );
}
