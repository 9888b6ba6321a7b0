import { pbkdf2Sync, randomBytes } from 'node:crypto';
import type { KafkaCluster } from './kafka-cluster.ts';

/** What a right is about; a cluster has no name of its own. */
export type RightOn =
  | { readonly topic: string }
  | { readonly group: string }
  | { readonly transactionalId: string }
  | { readonly cluster: true };

export type Operation =
  | 'ALL'
  | 'ALTER'
  | 'CREATE'
  | 'DELETE'
  | 'DESCRIBE'
  | 'DESCRIBE_CONFIGS'
  | 'IDEMPOTENT_WRITE'
  | 'READ'
  | 'WRITE';

/** Bytes a second (`consumer_byte_rate`, `producer_byte_rate`) or a share of one thread's time. */
export type Quota = 'consumer_byte_rate' | 'producer_byte_rate' | 'request_percentage';

const CLUSTER_NAME = 'kafka-cluster'; // the only name that ACLs know for it

/** Gives a user of a cluster with `users` and `acls` a right; `*` is every name. Brokers apply it within milliseconds. */
export async function grant(
  cluster: KafkaCluster,
  user: string,
  on: RightOn,
  ...operations: Operation[]
): Promise<void> {
  await withAdmin(cluster, async ({ admin, kafka }) => {
    const creations = operations.map((operation) => acl(kafka, user, on, operation));
    await admin.createAcls({ creations });
  });
}

/** Takes a right away that `grant` gave. */
export async function revoke(
  cluster: KafkaCluster,
  user: string,
  on: RightOn,
  ...operations: Operation[]
): Promise<void> {
  await withAdmin(cluster, async ({ admin, kafka }) => {
    const filters = operations.map((operation) => acl(kafka, user, on, operation));
    await admin.deleteAcls({ filters });
  });
}

/** How many rights a user has there, of those that `grant` gave. */
export async function rightsGiven(
  cluster: KafkaCluster,
  user: string,
  on: RightOn,
): Promise<number> {
  let found = 0;
  await withAdmin(cluster, async ({ admin, kafka }) => {
    const filter = { ...acl(kafka, user, on, 'ALL'), operation: kafka.AclOperations.ANY };
    const resources = await admin.describeAcls({ filter });
    found = resources.reduce((count, { acls }) => count + acls.length, 0);
  });
  return found;
}

/** Limits all clients that have no limit of their own, each; undefined removes the limit. */
export async function setQuota(
  cluster: KafkaCluster,
  quota: Quota,
  value: number | undefined,
): Promise<void> {
  await withAdmin(cluster, async ({ admin }) => {
    const op =
      value === undefined
        ? ({ key: quota, remove: true } as const)
        : ({ key: quota, value, remove: false } as const);
    // An entity without a name is the default of its type.
    const entities = [{ entityType: 'client-id', entityName: null } as const];
    await admin.alterClientQuotas({ entries: [{ entities, ops: [op] }] });
  });
}

const SCRAM_SHA_256 = 1;
const ITERATIONS = 4_096;
const DIGEST_BYTES = 32;

/** Sets a SCRAM-SHA-256 password; a user of that name need not be among `users`. */
export async function setScramPassword(
  cluster: KafkaCluster,
  user: string,
  password: string,
): Promise<void> {
  const { alterUserScramCredentialsV0, Connection } = await import('@platformatic/kafka');
  const salt = randomBytes(DIGEST_BYTES);
  const saltedPassword = pbkdf2Sync(password, salt, ITERATIONS, DIGEST_BYTES, 'sha256');
  const credential = { name: user, mechanism: SCRAM_SHA_256, iterations: ITERATIONS };
  const [host = '', port = ''] = cluster.internalBroker(1).split(':');
  const connection = new Connection('testkit');
  try {
    await connection.connect(host, Number(port));
    const upsertions = [{ ...credential, salt, saltedPassword }];
    await alterUserScramCredentialsV0.api.async(connection, [], upsertions);
  } finally {
    await connection.close();
  }
}

type Platformatic = typeof import('@platformatic/kafka');
type Admin = InstanceType<Platformatic['Admin']>;

/** The Kafka client of the project knows neither ACLs nor quotas. */
async function withAdmin(
  cluster: KafkaCluster,
  work: (client: { admin: Admin; kafka: Platformatic }) => Promise<unknown>,
): Promise<void> {
  const kafka = await import('@platformatic/kafka');
  const admin = new kafka.Admin({
    clientId: 'testkit',
    bootstrapBrokers: cluster.internalBrokers.split(','),
  });
  try {
    await work({ admin, kafka });
  } finally {
    await admin.close();
  }
}

function acl(kafka: Platformatic, user: string, on: RightOn, operation: Operation) {
  const [resourceType, resourceName] = resource(kafka, on);
  return {
    resourceType,
    resourceName,
    resourcePatternType: kafka.ResourcePatternTypes.LITERAL,
    principal: `User:${user}`,
    host: '*',
    operation: kafka.AclOperations[operation],
    permissionType: kafka.AclPermissionTypes.ALLOW,
  };
}

function resource({ ResourceTypes }: Platformatic, on: RightOn) {
  if ('topic' in on) return [ResourceTypes.TOPIC, on.topic] as const;
  if ('group' in on) return [ResourceTypes.GROUP, on.group] as const;
  if ('transactionalId' in on) return [ResourceTypes.TRANSACTIONAL_ID, on.transactionalId] as const;
  return [ResourceTypes.CLUSTER, CLUSTER_NAME] as const;
}
