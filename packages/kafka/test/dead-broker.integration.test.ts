import {
  hasKafkaServer,
  type KafkaCluster,
  kafkaCluster,
  testTopic,
  uniqueName,
  waitFor,
} from '@adtally/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { KafkaAdmin, type KafkaSettings, TopicReader } from '../src/index.ts';

const CLIENTS = 9;
/** The cluster needs this long to give a broker up (a session of 6 s) and to elect leaders. */
const FAILOVER_MS = 10_000;
const WATCHED_MS = 5_000;
const ANSWER_MS = 6_000;

interface Answer {
  readonly client: number;
  readonly what: string;
  readonly ms: number;
  readonly problem: string | null;
}

async function timed(client: number, what: string, ask: () => Promise<unknown>): Promise<Answer> {
  const startedMs = performance.now();
  const problem = await ask().then(
    () => null,
    (error: unknown) => String(error),
  );
  return { client, what, ms: Math.round(performance.now() - startedMs), problem };
}

/** Nine clients, each of which has asked already: whichever broker one remembers, it does so by chance. */
async function clients(settings: KafkaSettings, topic: string): Promise<KafkaAdmin[]> {
  const admins = Array.from({ length: CLIENTS }, () => new KafkaAdmin(settings));
  onTestFinished(() => {
    for (const admin of admins) admin.close();
  });
  await Promise.all(admins.map((admin) => admin.describeTopic(topic)));
  return admins;
}

async function slowAnswers(admins: readonly KafkaAdmin[], topic: string): Promise<Answer[]> {
  const answers: Answer[] = [];
  const until = performance.now() + WATCHED_MS;
  await Promise.all(
    admins.map(async (admin, client) => {
      for (let turn = 0; performance.now() < until; turn++) {
        answers.push(await timed(client, 'describe', () => admin.describeTopic(topic)));
        const ends = () => admin.watermarks(topic, turn % 3);
        answers.push(await timed(client, `watermarks ${turn % 3}`, ends));
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
    }),
  );
  expect(answers.length).toBeGreaterThan(CLIENTS);
  return answers.filter(({ ms, problem }) => problem !== null || ms > ANSWER_MS);
}

async function onceBroken(
  cluster: KafkaCluster,
  topic: string,
  breakIt: () => Promise<void> | void,
): Promise<Answer[]> {
  const admins = await clients(settingsOf(cluster), topic);
  await breakIt();
  await new Promise((resolve) => setTimeout(resolve, FAILOVER_MS));
  // Each call may find out once that its connection is dead.
  await Promise.all(admins.map((admin) => admin.describeTopic(topic).catch(() => null)));
  return await slowAnswers(admins, topic);
}

function settingsOf(cluster: KafkaCluster): KafkaSettings {
  return { brokers: cluster.brokers, clientId: 'adtally-test', security: {} };
}

test.runIf(hasKafkaServer())(
  'I13: with one broker of three dead or frozen, every client is answered by another within seconds',
  { timeout: 180_000 },
  async () => {
    await using cluster = await kafkaCluster({ brokers: 3 });
    const topic = uniqueName('dead-broker');
    const first = new KafkaAdmin(settingsOf(cluster));
    onTestFinished(() => first.close());
    await first.createTopic({ name: topic, partitions: 3, replication: 3, config: {} });
    await first.createTopic({ name: 'single', partitions: 3, replication: 1, config: {} });

    expect(await onceBroken(cluster, topic, () => cluster.kill(2))).toEqual([]);
    const ends = [0, 1, 2].map((partition) => first.watermarks('single', partition));
    const refused = (await Promise.allSettled(ends)).filter(({ status }) => status === 'rejected');
    expect(refused.map((one) => String((one as PromiseRejectedResult).reason))).toEqual([
      expect.stringMatching(/^KafkaRequestError: offsets of single\[\d\]: leader missing/),
    ]);
    await cluster.start(2);
    expect(await onceBroken(cluster, topic, () => cluster.freeze(3))).toEqual([]);
    cluster.thaw(3);
  },
);

const LIST_OFFSETS = 2;

/** Whether bytes, which begin with a request (its length, then its API's number), have one of that API. */
function hasRequest(bytes: Buffer, api: number): boolean {
  for (let at = 0; at + 6 <= bytes.length; at += 4 + bytes.readUInt32BE(at)) {
    if (bytes.readUInt16BE(at + 4) === api) return true;
  }
  return false;
}

test.runIf(hasKafkaServer())(
  'a broker that hangs up instead of answering has told nothing: no offsets of its logs, nor who leads them',
  { timeout: 60_000 },
  async () => {
    await using cluster = await kafkaCluster({ brokers: 1, proxied: true });
    const admin = new KafkaAdmin(settingsOf(cluster), { requestTimeoutMs: 6_000 });
    onTestFinished(() => admin.close());
    const { name: topic } = await testTopic({ partitions: 2, brokers: cluster.brokers });
    // Who was just made the leader may not know it yet.
    const atFirst = await waitFor(() => admin.watermarks(topic, 0), { what: 'a leader' });
    expect(atFirst).toEqual({ logStart: 0, end: 0 });
    cluster.proxy(1).onClientData((bytes) => (hasRequest(bytes, LIST_OFFSETS) ? 'cut' : 'forward'));
    const failed = { name: 'KafkaRequestError', transient: true };
    await expect(admin.watermarks(topic, 0)).rejects.toMatchObject(failed);
    const together = await admin.watermarksOf(topic, [0, 1]).catch((error: unknown) => error);
    const answers = together instanceof Map ? [...together.values()] : [together];
    expect(answers).toEqual(answers.map(() => expect.objectContaining(failed)));
    await expect(admin.offsetsForTime(topic, Date.now())).rejects.toMatchObject(failed);
    const points = await admin.logPoints(topic, [0, 1], 'end').catch((error: unknown) => error);
    const ends = points instanceof Map ? [...points.values()] : [points];
    expect(ends).toEqual(ends.map(() => expect.objectContaining(failed)));
    cluster.proxy(1).onClientData(undefined);
    expect(await admin.watermarks(topic, 1)).toEqual({ logStart: 0, end: 0 });

    // Nor does it tell who leads: a reader that asks whether a log departed from what it read finds out nothing.
    const reader = await TopicReader.connect(settingsOf(cluster), { topic });
    onTestFinished(() => reader.close());
    cluster.proxy(1).refuse(true);
    cluster.proxy(1).cutAll();
    const lastRead = new Map([[0, { offset: 1, leaderEpoch: 0 }]]);
    expect(await reader.departures(lastRead)).toEqual(new Map());
  },
);
