import type { PartitionBreakers } from './partition-breakers.ts';
import type { BreakerForce, BreakerSettings } from './rejection-breaker.ts';
import type { FastifyInstance } from '@adtally/service';

/** What the routes ask of the breakers. */
export type BreakerControl = Pick<PartitionBreakers, 'status' | 'force'>;

interface Order {
  readonly force: BreakerForce;
  /** null = every partition owned now. */
  readonly partition: number | null;
}

const FORCES: readonly BreakerForce[] = ['open', 'closed', 'auto'];
const EXAMPLE = '{"partition": 3, "force": "open"}';

/**
 * `GET /breaker`: settings, and the state of every owned partition's breaker. `POST /breaker` with
 * `{"partition": 3, "force": "open" | "closed" | "auto"}` forces one, or without `partition` all that are
 * owned now, for this process's life: 202, since the loop carries it out in its next turn; 400 with what is
 * wrong; 404 where this process does not own the partition; 503 before it is connected.
 */
export function mountBreaker(
  app: FastifyInstance,
  settings: BreakerSettings,
  breakers: () => BreakerControl | null,
): void {
  app.get('/breaker', () => ({
    settings: {
      rejected_share: settings.rejectedShare ?? 'off',
      window_records: settings.windowRecords,
      records_per_second: settings.recordsPerSecond,
    },
    partitions: breakers()?.status() ?? [],
  }));
  app.post('/breaker', (request, reply) => {
    const order = readOrder(request.body);
    if (typeof order === 'string') return reply.code(400).send({ error: order });
    const control = breakers();
    if (control === null) return reply.code(503).send({ error: 'not connected yet' });
    const partitions = control.force(order.force, order.partition);
    if (partitions.length === 0) {
      const what = order.partition === null ? 'any partition' : `partition ${order.partition}`;
      return reply.code(404).send({ error: `this process does not own ${what}` });
    }
    return reply.code(202).send({ force: order.force, partitions });
  });
}

/** The order, or what is wrong with it. */
function readOrder(body: unknown): Order | string {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    return `give a JSON object such as ${EXAMPLE}`;
  }
  const { partition = null, force: wanted, ...unknown } = body as Record<string, unknown>;
  const [stranger] = Object.keys(unknown);
  if (stranger !== undefined) return `only "partition" and "force" are known, as in ${EXAMPLE}`;
  const force = FORCES.find((one) => one === wanted);
  if (force === undefined) return `"force" must be one of ${FORCES.join(', ')}`;
  if (partition === null) return { force, partition };
  const isPartition =
    typeof partition === 'number' && Number.isInteger(partition) && partition >= 0;
  return isPartition ? { force, partition } : '"partition" must be an integer of at least 0';
}
