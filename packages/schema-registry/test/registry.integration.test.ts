import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { request as plainRequest } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEFAULT_DECODE_LIMITS, decodeInto, EventBatch, VERDICT } from '@adtally/event-schema';
import { createLogger } from '@adtally/telemetry';
import {
  hasSchemaRegistry,
  selfSigned,
  testSchemaRegistry,
  type TestSchemaRegistry,
  waitFor,
} from '@adtally/testkit';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { registryCheck, SchemaNumbers } from '../src/index.ts';
import { readSchemaRegistryConfig } from '../src/env.ts';

const JSON_SCHEMA = '{"$schema":"http://json-schema.org/draft-07/schema#","type":"object"}';
const AVRO_SCHEMA =
  '{"type":"record","name":"AdEvent","fields":[{"name":"campaign_id","type":"string"}]}';
const PROTOBUF_SCHEMA = 'syntax = "proto3"; message AdEvent { string campaign_id = 1; }';
const NO_SCHEMA = 987_654;
const USER = 'reader';
const PASSWORD = 'pass:word/9';
const EVENT =
  '{"schema_version":1,"event_type":"impression","impression_id":"018bcfe5-687b-7abc-8def-0123456789ab",' +
  '"occurred_at":"2023-11-14T22:13:20Z","campaign_id":"c","creative_id":"r","placement_id":"p",' +
  '"price_micros":1500,"currency":"EUR"}';

let apicurio: TestSchemaRegistry;
let ids: Record<'JSON' | 'AVRO' | 'PROTOBUF', number>;

beforeAll(async () => {
  if (!hasSchemaRegistry()) return undefined;
  apicurio = await testSchemaRegistry();
  ids = {
    JSON: await apicurio.register('ad-events-value', 'JSON', JSON_SCHEMA),
    AVRO: await apicurio.register('clicks-value', 'AVRO', AVRO_SCHEMA),
    PROTOBUF: await apicurio.register('views-value', 'PROTOBUF', PROTOBUF_SCHEMA),
  };
  return () => apicurio.close();
}, 180_000);

const log = createLogger({ service: 'test', level: 'silent' });

function numbersAt(env: Readonly<Record<string, string>>): SchemaNumbers {
  return new SchemaNumbers(readSchemaRegistryConfig(env), log);
}

async function checkOf(env: Readonly<Record<string, string>>): Promise<string> {
  const [check] = registryCheck(readSchemaRegistryConfig(env));
  if (check === undefined) throw new Error('nothing to check');
  try {
    return await check.attempt();
  } catch (error) {
    const failure = check.explain(error);
    return `${failure?.kind}: ${failure?.detail}`;
  }
}

/** What reads these bytes becomes, in one line. */
function read(bytes: Buffer, numbers: SchemaNumbers | null, valueFormat: 'plain' | 'auto'): string {
  const batch = new EventBatch(1);
  batch.append({ topic: 't', partition: 0, offset: 0, key: null, value: bytes }, 0);
  const schemaOf = numbers === null ? {} : { schemaOf: numbers.schemaOf };
  decodeInto(batch, 0, { ...DEFAULT_DECODE_LIMITS, valueFormat, ...schemaOf });
  if (batch.verdict[0] === VERDICT.event) return 'event';
  const { code, message } = batch.rejections.get(0) ?? {};
  return `${code}: ${message}`;
}

function framed(id: number, body: Buffer | string): Buffer {
  const head = Buffer.alloc(5);
  head.writeInt32BE(id, 1);
  return Buffer.concat([head, Buffer.from(body)]);
}

const AVRO_BODY = Buffer.of(6, 0x63, 0x2d, 0x37);

describe.runIf(hasSchemaRegistry())('a real registry', () => {
  test('tells what its numbers stand for, and what it does not have', async () => {
    const numbers = numbersAt({ SCHEMA_REGISTRY_URL: `${apicurio.url}/` });
    expect(numbers.schemaOf(ids.AVRO)).toBeUndefined();
    await numbers.learn([ids.JSON, ids.AVRO, ids.PROTOBUF, NO_SCHEMA]);
    expect(numbers.schemaOf(ids.JSON)).toEqual({ type: 'JSON', subject: 'ad-events-value' });
    expect(numbers.schemaOf(ids.AVRO)).toEqual({ type: 'AVRO', subject: 'clicks-value' });
    expect(numbers.schemaOf(ids.PROTOBUF)).toEqual({ type: 'PROTOBUF', subject: 'views-value' });
    expect(numbers.schemaOf(NO_SCHEMA)).toBeNull();
  });

  test('is asked by reading alone, once for each number, beside the reading', async () => {
    const front = await guardedFront();
    const numbers = numbersAt(front.env);
    const value = framed(ids.AVRO, AVRO_BODY);
    expect(read(value, numbers, 'auto')).toContain('Avro or Protobuf, which is not read');
    for (let again = 0; again < 1_000; again += 1) read(value, numbers, 'auto');
    await waitFor(() => numbers.schemaOf(ids.AVRO) !== undefined, { what: 'the answer' });
    for (let again = 0; again < 1_000; again += 1) read(value, numbers, 'auto');
    expect(front.requests()).toBe(2);
    expect(read(value, numbers, 'auto')).toBe(
      `malformed_json: the value is not a JSON object; it is framed as Confluent's serializers do with schema ${ids.AVRO}, AVRO of subject "clicks-value" by the registry: only JSON is read`,
    );
    expect(read(framed(ids.JSON, EVENT), numbers, 'plain')).toContain(
      'framing of JSON, which is read where',
    );
  });

  test('is spoken to over TLS and with a login, and says what is wrong with either', async () => {
    const front = await guardedFront();
    const { SCHEMA_REGISTRY_SSL_CA_FILE: _, ...untrusting } = front.env;
    const strangers = { ...front.env, SCHEMA_REGISTRY_BASIC_AUTH_USER_INFO: 'reader:wrong' };
    expect(await checkOf(front.env)).toMatch(/^it keeps .*JSON/);
    expect(await checkOf(strangers)).toMatch(/^refused: it answers 401/);
    expect(await checkOf(untrusting)).toMatch(/^refused: .*self-signed/);
    expect(await checkOf({ SCHEMA_REGISTRY_URL: new URL(apicurio.url).origin })).toMatch(
      /^refused: it answers 404 and not as Confluent's API does/,
    );
    expect(await checkOf({ SCHEMA_REGISTRY_URL: 'http://127.0.0.1:1' })).toMatch(
      /^away: .*ECONNREFUSED/,
    );
  });

  test('changes no verdict, whatever it holds, refuses or says nothing', async () => {
    const front = await guardedFront();
    const knowing = numbersAt(front.env);
    const all = [...Object.values(ids), NO_SCHEMA];
    await knowing.learn(all);
    const others = [
      null,
      knowing,
      numbersAt({ ...front.env, SCHEMA_REGISTRY_BASIC_AUTH_USER_INFO: 'reader:wrong' }),
      numbersAt({ SCHEMA_REGISTRY_URL: 'http://127.0.0.1:1' }),
    ];
    for (const id of all) {
      for (const numbers of others) {
        expect(read(framed(id, EVENT), numbers, 'auto')).toBe('event');
        expect(read(framed(id, EVENT), numbers, 'plain')).toMatch(/^malformed_json: /);
        expect(read(framed(id, AVRO_BODY), numbers, 'auto')).toMatch(/^malformed_json: /);
      }
    }
    expect(read(framed(NO_SCHEMA, EVENT), knowing, 'plain')).toContain(
      `with schema ${NO_SCHEMA}, which the registry does not have`,
    );
  });

  test('that was away is asked again, after a pause', async () => {
    const front = await guardedFront();
    const numbers = numbersAt(front.env);
    front.isAway = true;
    await numbers.learn([ids.JSON]);
    expect(numbers.schemaOf(ids.JSON)).toBeUndefined();
    front.isAway = false;
    await waitFor(() => numbers.schemaOf(ids.JSON)?.type === 'JSON', { what: 'the answer' });
    expect(front.requests()).toBe(3);
  });
});

test.each([
  [{ SCHEMA_REGISTRY_URL: 'http://a:1,http://b:1' }, 'SCHEMA_REGISTRY_URL must be one address'],
  [{ SCHEMA_REGISTRY_URL: 'http://u:p@a:1' }, 'SCHEMA_REGISTRY_URL must hold no login'],
  [{ SCHEMA_REGISTRY_URL: 'registry:8081' }, 'SCHEMA_REGISTRY_URL'],
  [
    { SCHEMA_REGISTRY_URL: 'http://a', SCHEMA_REGISTRY_BASIC_AUTH_USER_INFO: 'name' },
    'SCHEMA_REGISTRY_BASIC_AUTH_USER_INFO must be user:password',
  ],
  [
    { SCHEMA_REGISTRY_BASIC_AUTH_USER_INFO: 'a:b' },
    'SCHEMA_REGISTRY_BASIC_AUTH_USER_INFO needs SCHEMA_REGISTRY_URL',
  ],
  [
    { SCHEMA_REGISTRY_URL: 'http://a', SCHEMA_REGISTRY_SSL_CA_FILE: '/etc/hostname' },
    'SCHEMA_REGISTRY_SSL_CA_FILE needs a SCHEMA_REGISTRY_URL that begins with https://',
  ],
  [
    { SCHEMA_REGISTRY_URL: 'https://a', SCHEMA_REGISTRY_SSL_CA_FILE: '/does/not/exist' },
    'SCHEMA_REGISTRY_SSL_CA_FILE: cannot read',
  ],
])('%j is refused by name', (env, sentence) => {
  expect(() => readSchemaRegistryConfig(env)).toThrow(sentence);
});

/** What stands before a registry in the field: TLS, and a login by HTTP's basic scheme. */
async function guardedFront() {
  const tls = selfSigned();
  const target = new URL(apicurio.url);
  const login = `Basic ${Buffer.from(`${USER}:${PASSWORD}`).toString('base64')}`;
  const front = { isAway: false, requests: 0 };
  const server = createServer(tls, (request, response) => {
    front.requests += 1;
    if (front.isAway) response.writeHead(503).end();
    else if (request.headers.authorization !== login) response.writeHead(401).end();
    else {
      const options = { host: target.hostname, port: target.port, path: request.url };
      plainRequest(options, (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      }).end();
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const folder = mkdtempSync(join(tmpdir(), 'adtally-front-'));
  const authority = join(folder, 'ca.pem');
  writeFileSync(authority, tls.cert);
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
    rmSync(folder, { recursive: true });
  });
  const { port } = server.address() as AddressInfo;
  return {
    env: {
      SCHEMA_REGISTRY_URL: `https://127.0.0.1:${port}${target.pathname}`,
      SCHEMA_REGISTRY_BASIC_AUTH_USER_INFO: `${USER}:${PASSWORD}`,
      SCHEMA_REGISTRY_SSL_CA_FILE: authority,
    },
    requests: () => front.requests,
    set isAway(value: boolean) {
      front.isAway = value;
    },
  };
}
