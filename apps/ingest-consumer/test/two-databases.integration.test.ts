import { shown } from '@adtally/pipeline/testing';
import { produceRecords, waitFor } from '@adtally/testkit';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { stage, type Stage } from './support/stage.ts';
import { expectBalanced, found } from './support/truth.ts';

const EVENTS = 12_000;
/** Several processes start one after the other, on cores that they may share with many. */
const TEST_MS = 600_000;

const until = (what: string, reached: () => Promise<boolean>) =>
  waitFor(reached, { what, timeoutMs: 150_000 });

/** What a statement is a sum of: by campaign, type and currency the events, their money and a fingerprint of keys. */
async function sums(databases: readonly Stage[]): Promise<Map<string, string>> {
  const all = new Map<string, [bigint, bigint, bigint]>();
  for (const { db } of databases) {
    const { rows } = await sql<{ class: string; events: string; micros: string; keys: string }>`
      SELECT concat_ws(' ', campaign_id, event_type, currency) AS class, count(*)::text AS events,
        sum(amount_micros)::text AS micros, sum(('x' || left(md5(event_key::text), 12))::bit(48)::bigint)::text AS keys
      FROM events GROUP BY 1`.execute(db);
    for (const row of rows) {
      const [events, micros, keys] = all.get(row.class) ?? [0n, 0n, 0n];
      all.set(row.class, [
        events + BigInt(row.events),
        micros + BigInt(row.micros),
        keys + BigInt(row.keys),
      ]);
    }
  }
  return new Map([...all].toSorted().map(([name, figures]) => [name, figures.join(' ')]));
}

/** The partitions of the topic that a database has a cursor for. */
async function counted({ db }: Stage, topic: string): Promise<number[]> {
  const rows = await db
    .selectFrom('sources')
    .select('partition')
    .where('kind', '=', 'events')
    .where('topic', '=', topic)
    .orderBy('partition')
    .execute();
  return rows.map(({ partition }) => partition);
}

test(
  'a topic counted by shares into two databases, one killed meanwhile, adds up to what one database counts',
  { timeout: TEST_MS },
  async () => {
    const left = await stage({ partitions: 4 });
    const [right, whole] = [await stage({ partitions: 1 }), await stage({ partitions: 1 })];
    // Some of the simulator's copies lie in wrong partitions: of those below.
    const truth = await left.simulate(EVENTS, { mix: { misrouted: 0, duplicate: 0 } });
    const theTopic = { EVENTS_TOPIC: left.topic };
    const [ours, theirs] = [{ PARTITIONS: '0,2' }, { PARTITIONS: '1,3', ...theTopic }];

    const victim = left.startSlow(ours);
    await until('some records counted', async () => (await left.consumed()) >= 500);
    expect((await victim.kill()).killedBy).toBe('SIGKILL');
    const reached = await left.consumed();
    const heir = left.startElsewhere(ours);
    const other = right.start(theirs);
    await until('all records counted', async () => {
      return (await left.consumed()) + (await right.consumed()) >= truth.acked;
    });
    expect(reached).toBeLessThan(await left.consumed());
    whole.start(theTopic);
    await until('all in one', async () => (await whole.consumed()) >= truth.acked);

    // Together every partition, each in one database.
    expect(await counted(left, left.topic)).toEqual([0, 2]);
    expect(await counted(right, left.topic)).toEqual([1, 3]);
    const parts = [await found(left), await found(right)];
    const added = (of: 'acked' | 'unique' | 'duplicate' | 'conflict') =>
      parts.reduce((sum, part) => sum + part[of], 0);
    const { acked, unique, duplicate, conflict } = truth;
    expect({
      acked: added('acked'),
      unique: added('unique'),
      duplicate: added('duplicate'),
      conflict: added('conflict'),
    }).toEqual({ acked, unique, duplicate, conflict });
    expect(await sums([left, right])).toEqual(await sums([whole]));
    for (const database of [left, right, whole]) await expectBalanced(database);

    // The known limit: a copy in a partition of the other database is new there, and told as misrouted.
    const { key, value } = shown(1);
    await produceRecords(
      left.topic,
      [0, 1].map((partition) => ({ partition, key: key as Buffer, value })),
    );
    await until('both copies', async () => {
      return (await left.consumed()) + (await right.consumed()) === truth.acked + 2;
    });
    const stored = (await found(left)).unique + (await found(right)).unique;
    expect(stored).toBe(truth.unique + 2);
    const some = (records: number) => records > 0;
    await heir.untilMetricWith([other], 'adtally_misrouted_records_total', some);

    // Nobody waits for the partitions of the other database, and who would count them is refused.
    await until('the lag is told', async () => {
      const { rows } = await sql`SELECT FROM partition_lag WHERE lag_records = 0`.execute(right.db);
      return rows.length === 2;
    });
    expect((await sql`SELECT FROM partition_lag`.execute(right.db)).rows).toHaveLength(2);
    for (const [partitions, said] of [
      ['0-2', 'PARTITIONS says partitions 0-2'],
      ['all', 'PARTITIONS says all partitions'],
    ] as const) {
      const refused = await right.start({ ...theTopic, PARTITIONS: partitions }).ended;
      expect([refused.code, refused.stderr]).toEqual([78, expect.stringContaining(said)]);
    }
    const late = await whole.start({ ...theTopic, PARTITIONS: '0' }).ended;
    expect([late.code, late.stderr]).toEqual([
      78,
      expect.stringContaining('this database counts all partitions of topic'),
    ]);
    await expect(
      sql`INSERT INTO sources (kind, topic, topic_id, partition) VALUES ('events', ${left.topic}, 'any', 0)`.execute(
        right.db,
      ),
    ).rejects.toThrow("another database's");
  },
);
