import { migrate } from '@adtally/db';
import { guardedPostgres, hasPostgresServer, tcpProxy } from '@adtally/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { stage } from './support/stage.ts';

const CONFIG_ERROR = 78;

test('started before PostgreSQL and Kafka: alive and not ready, says which, and ready once they are there', async () => {
  const the = await stage();
  const [host = '', port = ''] = the.brokers.split(':');
  const kafka = await tcpProxy({ host, port: Number(port) });
  onTestFinished(() => kafka.close());
  for (const proxy of [the.proxy, kafka]) proxy.refuse(true);
  const reprocessor = the.start({ ...the.proxied, KAFKA_BROKERS: `${kafka.host}:${kafka.port}` });
  await reprocessor.untilNotReady('PostgreSQL');
  the.proxy.refuse(false);
  await reprocessor.untilNotReady('Kafka');
  expect((await reprocessor.get('/livez')).status).toBe(200);
  kafka.refuse(false);
  await reprocessor.untilReady();
});

test.runIf(hasPostgresServer())(
  'a wrong password ends the start with 78; changed under a running reprocessor it is waited for, idle or not',
  async () => {
    const the = await stage();
    const postgres = await guardedPostgres();
    onTestFinished(() => postgres.close());
    await migrate(postgres.url);
    const at = (password: string) => ({
      DATABASE_URL: postgres.urlWith(password),
      REFUSED_MAX_MS: '1s',
    });
    const wrong = the.startElsewhere(at('wrong'));
    const { code, stderr } = await wrong.ended;
    expect(code).toBe(CONFIG_ERROR);
    expect(stderr).toContain('database_login');

    const reprocessor = the.start(at('right'));
    await reprocessor.untilReady();
    await postgres.run("ALTER ROLE app PASSWORD 'changed'");
    await postgres.cutSessions();
    await reprocessor.untilNotReady('database_login');
    await reprocessor.until('tries for longer than a first login may be refused', () =>
      reprocessor.entries.some(({ waited_s: waited }) => Number(waited) >= 2),
    );
    await postgres.run("ALTER ROLE app PASSWORD 'right'");
    await reprocessor.untilReady();
    expect((await reprocessor.stop()).code).toBe(0);
  },
);
