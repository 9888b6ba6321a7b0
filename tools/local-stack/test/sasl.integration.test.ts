import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AckedProducer, KafkaAdmin, TopicReader, type Notice } from '@adtally/kafka';
import { readKafkaSettings } from '@adtally/kafka/env';
import { jarFolder, newClusterId } from '@adtally/native-servers';
import { freePort, tcpProxy, waitFor } from '@adtally/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { brokerProperties } from '../src/kafka.ts';
import { endProcess, logTail, startServer } from '../src/processes.ts';
import { run } from '../src/run.ts';
import { ensureJava } from '../src/toolchain.ts';

const USER = 'adtally';
const AUTHENTICATION_FAILED = /authentication (failure|error)/i;
const JAVA = ['-Xmx256m', '-XX:TieredStopAtLevel=1', '-cp', join(jarFolder(), '*')];
const STARTED_MS = 60_000;
const RENEWED_MS = 60_000;

async function java(...args: string[]): Promise<void> {
  const { code, output } = await run(await ensureJava(() => undefined), [...JAVA, ...args]);
  if (code !== 0) throw new Error(output.slice(-2_000));
}

/** A broker whose SASL listener is reached through a proxy alone; its plain one is for the tools. */
async function saslBroker(password: string) {
  const folder = mkdtempSync(join(tmpdir(), 'adtally-sasl-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const [plain, controller, sasl] = [await freePort(), await freePort(), await freePort()];
  const proxy = await tcpProxy({ host: '127.0.0.1', port: sasl });
  onTestFinished(() => proxy.close());
  const listeners = (saslPort: number): string =>
    `PLAINTEXT://127.0.0.1:${plain},SASL_PLAINTEXT://127.0.0.1:${saslPort}`;
  const properties = join(folder, 'server.properties');
  writeFileSync(
    properties,
    `${brokerProperties([plain, controller], join(folder, 'logs'))}${[
      `listeners=${listeners(sasl)},CONTROLLER://127.0.0.1:${controller}`,
      `advertised.listeners=${listeners(proxy.port)}`,
      'listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT',
      'sasl.enabled.mechanisms=SCRAM-SHA-256',
      'listener.name.sasl_plaintext.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;',
    ].join('\n')}\n`,
  );
  const scram = `SCRAM-SHA-256=[name=${USER},password=${password}]`;
  const format = ['kafka.tools.StorageTool', 'format', '--config', properties];
  await java(...format, '--cluster-id', newClusterId(), '--add-scram', scram);
  const logFile = join(folder, 'broker.log');
  const args = [...JAVA, 'kafka.Kafka', properties];
  const file = await ensureJava(() => undefined);
  const server = await startServer({ file, args, logFile });
  onTestFinished(async () => void (await endProcess(server.identity, 'SIGKILL', 0)));
  const toolAdmin = new KafkaAdmin({ brokers: `127.0.0.1:${plain}`, clientId: 't', security: {} });
  onTestFinished(() => toolAdmin.close());
  await waitFor(
    async () => {
      if (server.exited()) throw new Error(logTail(logFile));
      return await toolAdmin.describeTopic('none').then(
        () => true,
        () => false,
      );
    },
    { what: 'the broker', timeoutMs: STARTED_MS },
  );
  const setPassword = (next: string): Promise<void> =>
    java(
      'kafka.admin.ConfigCommand',
      '--bootstrap-server',
      `127.0.0.1:${plain}`,
      '--alter',
      '--entity-type',
      'users',
      '--entity-name',
      USER,
      '--add-config',
      `SCRAM-SHA-256=[password=${next}]`,
    );
  return { proxy, folder, toolAdmin, setPassword };
}

// Where the servers are given, Kafka's jars may not be here.
test.runIf(existsSync(jarFolder()))(
  'SASL/SCRAM: a client goes on with a password that was rotated meanwhile',
  { timeout: 180_000 },
  async () => {
    const { proxy, folder, toolAdmin, setPassword } = await saslBroker('the-first');
    await toolAdmin.createTopic({ name: 'rotated', partitions: 1, replication: 1, config: {} });
    const file = join(folder, 'password');
    writeFileSync(file, 'the-first\n');
    const settings = readKafkaSettings({
      KAFKA_BROKERS: `127.0.0.1:${proxy.port}`,
      KAFKA_SECURITY_PROTOCOL: 'sasl_plaintext',
      KAFKA_SASL_MECHANISM: 'SCRAM-SHA-256',
      KAFKA_SASL_USERNAME: USER,
      KAFKA_SASL_PASSWORD_FILE: file,
    });
    const refused = { admin: false, producer: false, reader: false };
    const onNotice = (client: keyof typeof refused) => (notice: Notice) => {
      if (AUTHENTICATION_FAILED.test(notice.message)) refused[client] = true;
    };
    const admin = new KafkaAdmin(settings, { onNotice: onNotice('admin') });
    onTestFinished(() => admin.close());
    const producer = await AckedProducer.connect(settings, { onNotice: onNotice('producer') });
    onTestFinished(() => producer.close());
    const reader = await TopicReader.connect(settings, {
      topic: 'rotated',
      onNotice: onNotice('reader'),
    });
    onTestFinished(() => reader.close());
    reader.start(0, 0);
    const send = () =>
      producer.produceAll([{ topic: 'rotated', key: 'k', value: Buffer.from('v') }]);
    const isKnown = () => admin.describeTopic('rotated').then((found) => found !== null);
    expect([await send(), await isKnown()]).toEqual([['acked'], true]);

    await setPassword('the-second');
    proxy.cutAll();
    let records = 0;
    const ask = isKnown().catch(() => false);
    const isRefused = async (): Promise<boolean> => {
      records += (await reader.fetch(10, 100)).length; // a consumer hears of errors while it fetches
      return refused.admin && refused.producer && refused.reader;
    };
    await waitFor(isRefused, {
      what: 'all clients to be refused with the password they have',
      timeoutMs: RENEWED_MS,
    });
    expect(await ask).toBe(false);

    writeFileSync(file, 'the-second\n');
    const until = { what: 'the new password to be used', timeoutMs: RENEWED_MS };
    await waitFor(() => isKnown().catch(() => false), until);
    await waitFor(async () => (await send())[0] === 'acked', until);
    await waitFor(async () => (records += (await reader.fetch(10, 500)).length) >= 2, until);
    const late = await AckedProducer.connect(settings);
    await late.close();
  },
);
