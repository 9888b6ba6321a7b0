import { migrate, SUPPORTED_SCHEMA_VERSION } from '@adtally/db';
import { guardedPostgres, hasPostgresServer } from '@adtally/testkit';
import { sql } from 'kysely';
import { expect, onTestFinished, test } from 'vitest';
import { AlerterProcess } from './support/alerter-process.ts';
import { PAGE, told } from './support/listener.ts';
import { stage, untilAccepted } from './support/stage.ts';

const CONFIG_ERROR = 78;

test.concurrent('a schema of another version ends the start with 78 and both versions named', async (context) => {
  const the = await stage(context);
  const newer = SUPPORTED_SCHEMA_VERSION + 3;
  await sql`INSERT INTO kysely_migration (name, timestamp)
    VALUES (${`${String(newer).padStart(4, '0')}_of_a_newer_build`}, '')`.execute(the.db);
  const { code, stderr } = await the.start().ended;
  expect(code).toBe(CONFIG_ERROR);
  expect(stderr).toContain(`schema version ${newer}`);
  expect(stderr).toContain(`supports ${SUPPORTED_SCHEMA_VERSION}`);
});

test.concurrent('a wrong environment ends with 78 and all its problems', async () => {
  const alerter = new AlerterProcess({ DEAD_RATE_THRESHOLD: 'x', SINK_TIMEOUT_MS: 'soon' });
  onTestFinished(() => void alerter.kill());
  const { code, stderr } = await alerter.ended;
  expect(code).toBe(CONFIG_ERROR);
  for (const name of ['DATABASE_URL', 'KAFKA_BROKERS', 'DEAD_RATE_THRESHOLD', 'SINK_TIMEOUT_MS']) {
    expect(stderr).toContain(name);
  }
});

test.concurrent('--check-config touches no server and tells no secret', async () => {
  const env = {
    KAFKA_BROKERS: 'nowhere.invalid:9092',
    DATABASE_URL: 'postgres://user:a-secret@nowhere.invalid/adtally',
    SLACK_WEBHOOK_URL: 'https://nowhere.invalid/a-secret',
    PAGERDUTY_ROUTING_KEY: 'a-secret',
  };
  const alerter = new AlerterProcess(env, { argv: ['--check-config'] });
  const exit = await alerter.ended;
  expect(exit.code).toBe(0);
  expect(exit.stdout).toContain('configuration ok');
  expect(exit.stdout + exit.stderr).not.toContain('a-secret');
});

test.concurrent('PostgreSQL away for a while: alive, then the page that was due, once', async (context) => {
  const the = await stage(context);
  const alerter = await the.start(the.proxied).active();
  the.proxy.refuse(true);
  the.proxy.cutAll();
  await the.die(6);
  await alerter.until('several tries', () => {
    const tries = alerter.entries.filter(({ msg }) => msg === 'waiting for PostgreSQL');
    return tries.length >= 3;
  });
  expect((await alerter.get('/livez')).status).toBe(200);
  expect((await alerter.get('/readyz')).status).toBe(503);
  expect((await alerter.get('/incidents')).status).toBe(503);
  the.proxy.refuse(false);
  await untilAccepted(the.webhook, 1);
  expect(told(the.webhook)).toEqual([PAGE]);
  expect((await alerter.get('/readyz')).status).toBe(200);
});

test.concurrent('a drain with a database that answers nothing ends before its deadline', async (context) => {
  const the = await stage(context);
  const alerter = await the.start({ ...the.proxied, DRAIN_DEADLINE_MS: '4s' }).active();
  the.proxy.blackhole(true);
  const { code, stderr } = await alerter.stop();
  expect(stderr).not.toContain('drain deadline passed');
  expect(code).toBe(0);
});

test.concurrent('started before PostgreSQL: alive, not ready, and ready once it is there', async (context) => {
  const the = await stage(context);
  the.proxy.refuse(true);
  const alerter = the.start(the.proxied);
  await alerter.untilNotReady('PostgreSQL');
  expect((await alerter.get('/livez')).status).toBe(200);
  the.proxy.refuse(false);
  await alerter.untilReady();
});

test
  .runIf(hasPostgresServer())
  .concurrent(
    'a wrong password ends the start with 78; changed under a running alerter it is waited for',
    async (context) => {
      const the = await stage(context);
      const postgres = await guardedPostgres();
      context.onTestFinished(() => postgres.close());
      await migrate(postgres.url);
      const at = (password: string) => ({
        DATABASE_URL: postgres.urlWith(password),
        REFUSED_MAX_MS: '1s',
      });
      const { code, stderr } = await the.start(at('wrong')).ended;
      expect(code).toBe(CONFIG_ERROR);
      expect(stderr).toContain('database_login');
      const alerter = await the.start(at('right')).active();
      await postgres.run("ALTER ROLE app PASSWORD 'changed'");
      await postgres.cutSessions();
      await alerter.untilNotReady('database_login');
      await alerter.until('tries for longer than a first login may be refused', () =>
        alerter.entries.some(({ waited_s: waited }) => Number(waited) >= 2),
      );
      await postgres.run("ALTER ROLE app PASSWORD 'right'");
      await alerter.untilReady();
    },
  );
