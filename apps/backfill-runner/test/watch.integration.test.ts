import { migrate } from '@adtally/db';
import { guardedPostgres, hasPostgresServer, otlpReceiver, waitFor } from '@adtally/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { RunnerProcess } from './support/runner-process.ts';
import { stage, type Stage } from './support/stage.ts';

const FAST = { ROLLUP_SETTLE_MS: '0', ROLLUP_TURN_MS: '50ms', ROLLUP_BASE_ROWS: '500' };

async function untilCounted(the: Stage, events: number): Promise<void> {
  const counted = async () => {
    const [row] = await the.rows<{ n: string | null }>(
      `SELECT sum(impressions + clicks + click_conversions + view_conversions + unmatched_clicks
                  + unmatched_conversions + early_clicks + early_conversions)::text AS n
       FROM rollup_by_creative WHERE version = 2`,
    );
    return Number(row?.n) === events;
  };
  await waitFor(counted, { what: `${events} events in the rollups`, timeoutMs: 20_000 });
}

test('it sums up what is there, applies what comes late, and SIGTERM ends it with 0', async () => {
  const collector = await otlpReceiver();
  onTestFinished(() => collector.close());
  const the = await stage(6_000, {
    ...FAST,
    OTEL_TRACES_EXPORTER: 'otlp',
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
  });
  const [first, second] = [the.start('--watch'), the.start('--watch')];
  await untilCounted(the, the.events);
  const [impression] = await the.rows<{ id: string }>(
    'SELECT min(impression_id::text) AS id FROM events',
  );
  await the.rows(`
    WITH late AS (
      INSERT INTO events (impression_id, event_key, event_type, occurred_at, amount_micros, source_offset,
                          source_id, currency, campaign_id, creative_id, placement_id)
      SELECT '${impression?.id}', gen_random_uuid(), 'click', now(), 1, next_offset, 1, 'EUR', 'c', 'cr', 'p'
      FROM cursors RETURNING impression_id, source_offset
    ), noted AS (
      INSERT INTO late_notes (source_ids, first_offsets, end_offsets, impressions, impression_ids)
      SELECT '{1}', ARRAY[source_offset], ARRAY[source_offset + 1], 1, ARRAY[impression_id] FROM late
    ), ledger AS (
      INSERT INTO ledger (source_id, first_offset, end_offset, epoch, consumed, stored)
      SELECT 1, source_offset, source_offset + 1, 0, 1, 1 FROM late RETURNING end_offset
    )
    UPDATE cursors SET next_offset = ledger.end_offset FROM ledger`);
  await untilCounted(the, the.events + 1);

  await first.until('ready', async () => (await first.get('/readyz')).ok);
  await first.untilMetricWith([second], 'adtally_rollup_late_impressions_total', 1);
  await first.untilMetricWith([second], 'adtally_rollup_base_events_total', the.events);
  // Told by one of the two, the leader.
  const isNow = (at: number): boolean => at > 1_700_000_000;
  await first.untilMetricWith([second], 'adtally_rollup_frontier_timestamp_seconds', isNow);
  await first.untilMetricWith([second], 'adtally_rollup_waiting_notes', 0);
  expect((await first.stop()).code).toBe(0);
  expect((await second.stop()).code).toBe(0);
  const turns = collector.spans.filter(({ name }) => name === 'rollup turn');
  const summed = turns.map(({ attributes }) => Number(attributes['adtally.rollup.events']));
  expect(summed.reduce((total, events) => total + events, 0)).toBe(the.events);
});

test('killed at any moment, the next one goes on and the rollups are exact', async () => {
  const the = await stage(30_000, FAST);
  for (let life = 0; life < 3; life += 1) {
    const victim = the.start('--watch');
    await victim.logged('running');
    await victim.kill();
  }
  the.start('--watch');
  await untilCounted(the, the.events);
  const [bases] = await the.rows<{ n: string }>(
    'SELECT sum(events)::text AS n FROM rollup_bases WHERE version = 2',
  );
  expect(bases?.n).toBe(String(the.events));
});

test('a rollup that no version of the database keeps is said at the start, and the others are kept', async () => {
  const the = await stage(600, FAST);
  await the.rows(`
    INSERT INTO rollup_versions (version, algorithm, window_ms, tolerance_ms, claimed_through, rollups)
    VALUES (2, 'last_click', 604800000, 60000, -1, '{campaign,creative}')`);
  const worker = the.start('--watch');
  await worker.until('what is needed said', () =>
    worker.entries.find(({ msg }) => /^rollup "placement" .* needs a backfill/.test(msg)),
  );
  await worker.until('ready', async () => (await worker.get('/readyz')).ok);
  expect(await the.rows('SELECT FROM rollup_by_placement')).toEqual([]);
  expect((await worker.stop()).code).toBe(0);
});

test.runIf(hasPostgresServer())(
  'a wrong password ends --watch with 78; away at its start or refused later, PostgreSQL is waited for',
  async () => {
    const postgres = await guardedPostgres();
    onTestFinished(() => postgres.close());
    await migrate(postgres.url);
    const start = (password: string) => {
      const env = { DATABASE_URL: postgres.urlWith(password), ADMIN_PORT: '0', ...FAST };
      const worker = new RunnerProcess({ ...env, REFUSED_MAX_MS: '1s' }, ['--watch']);
      onTestFinished(() => void worker.kill());
      return worker;
    };
    const { code, stderr } = await start('wrong').ended;
    expect(code).toBe(78);
    expect(stderr).toContain('database_login');
    await postgres.stop();
    const worker = start('right');
    await worker.untilNotReady('database_unreachable');
    expect((await worker.get('/livez')).status).toBe(200);
    await postgres.start();
    await worker.untilReady();
    await postgres.run("ALTER ROLE app PASSWORD 'changed'");
    await postgres.cutSessions();
    await worker.untilNotReady('database_login');
    await postgres.run("ALTER ROLE app PASSWORD 'right'");
    await worker.untilReady();
    expect((await worker.stop()).code).toBe(0);
  },
);
