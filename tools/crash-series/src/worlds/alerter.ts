import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DEAD_LETTER_HEADERS, withAddedHeaders } from '@adtally/event-schema';
import { kafkaBrokers, produceRecords, ServiceProcess, testTopic } from '@adtally/testkit';
import { inOrder } from '../in-order.ts';
import type { Stage } from '../world.ts';
import { patiently } from '../patiently.ts';
import { compared, WorldDatabase } from './world-database.ts';

/** One more than are let pass in a window. */
const BURST = 7;

/** dead-queue-alerter on bursts of dead letters, each of which must be told. */
export const alerterStage: Stage = {
  name: 'dead-queue-alerter counts and tells',
  protocol: 'alerter',
  app: 'dead-queue-alerter',
  open: async (build) => {
    const [brokers, database, topic] = await Promise.all([
      kafkaBrokers(),
      WorldDatabase.open(),
      testTopic({ partitions: 2 }),
    ]);
    /** Incidents that the sink was told of as firing. */
    const told = new Set<string>();
    let answers = 0;
    const sink = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk) => (body += String(chunk)));
      request.on('end', () => {
        const { status, groupKey } = JSON.parse(body) as { status: string; groupKey: string };
        // Every other message is refused for now.
        answers += 1;
        const isTaken = answers % 2 === 0;
        if (isTaken && status === 'firing') told.add(groupKey);
        response.writeHead(isTaken ? 200 : 503).end('{}');
      });
    });
    await new Promise<void>((resolve) => sink.listen(0, '127.0.0.1', resolve));
    let letters = 0;
    const evaluated = () =>
      database.number('SELECT count(*) FROM dead_letter_arrivals WHERE evaluated');
    const waiting = () =>
      database.number(`SELECT count(*) FROM notifications WHERE state = 'waiting'`);
    const incidents = () => database.number('SELECT count(*) FROM incidents');
    return {
      async feed() {
        if ((await evaluated()) < letters) return;
        const records = Array.from({ length: BURST }, (_, n) => ({
          partition: n % 2,
          value: Buffer.from('{}'),
          headers: withAddedHeaders([], {
            [DEAD_LETTER_HEADERS.topic]: 'events',
            [DEAD_LETTER_HEADERS.partition]: '0',
            [DEAD_LETTER_HEADERS.offset]: String(letters + n),
            [DEAD_LETTER_HEADERS.code]: 'missing_field',
            [DEAD_LETTER_HEADERS.topicId]: 'AAAAAAAAAAAAAAAAAAAAAA',
          }),
        }));
        await produceRecords(topic.name, records);
        letters += BURST;
      },
      start: async (env) =>
        database.started(
          new ServiceProcess(build.main('dead-queue-alerter'), {
            KAFKA_BROKERS: brokers,
            DATABASE_URL: database.url,
            DEAD_TOPIC: topic.name,
            ADMIN_PORT: '0',
            ALERT_WEBHOOK_URL: `http://127.0.0.1:${(sink.address() as AddressInfo).port}/`,
            SINK_RETRY_MS: '50ms',
            SINK_RETRY_MAX_MS: '200ms',
            TOPIC_CHECK_MS: '500ms',
            INCIDENT_UPDATE_MS: '1s',
            ...env,
          }),
        ),
      settled: async (by) => {
        await patiently(by, 'every letter evaluated, every notification sent', async () => {
          return (
            (await evaluated()) === letters && (await waiting()) === 0 && (await incidents()) > 0
          );
        });
      },
      end: inOrder,
      claims: () => database.number('SELECT max(epoch) FROM alerter_lease'),
      unbalanced: () => database.unbalanced(),
      differences: async () =>
        compared(
          {
            'letters evaluated': await evaluated(),
            'letters in incidents': await database.number('SELECT sum(letters) FROM incidents'),
            'incidents told': told.size,
          },
          {
            'letters evaluated': letters,
            'letters in incidents': letters,
            'incidents told': await incidents(),
          },
        ),
      close: async () => {
        sink.closeAllConnections();
        sink.close();
        await Promise.all([database.close(), topic.delete()]);
      },
    };
  },
};
