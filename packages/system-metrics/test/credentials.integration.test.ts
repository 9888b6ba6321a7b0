import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readKafkaSettings } from '@adtally/kafka/env';
import { createLogger, createMetrics } from '@adtally/telemetry';
import { selfSigned, stressStartStop, tokenIssuer, waitFor } from '@adtally/testkit';
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { CredentialTeller } from '../src/index.ts';

const FAST = { firstAfterMs: 0, certificatesEveryMs: 20, tokensEveryMs: 20 };
const DAY_SECONDS = 86_400;
const PLAIN = 'postgres://user@127.0.0.1/db';
const SECRET = 'canary-4471';

type Config = ConstructorParameters<typeof CredentialTeller>[0]['config'];

// That of the machine is not looked at.
beforeEach(() => void vi.stubEnv('NODE_EXTRA_CA_CERTS', ''));
afterEach(() => void vi.unstubAllEnvs());

/** Where files are kept by their names. */
function folder() {
  const path = mkdtempSync(join(tmpdir(), 'adtally-credentials-'));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return (name: string, text: string): string => {
    writeFileSync(join(path, name), text);
    return join(path, name);
  };
}

/** Told by a running teller: days from now to each end, by labels; and how often it warned, of what. */
async function running(config: Config) {
  const metrics = createMetrics({ service: 'test', version: '0', definitions: {} });
  onTestFinished(() => metrics.shutdown());
  const log = createLogger({ service: 'test', level: 'silent' });
  const warn = vi.spyOn(log, 'warn');
  const teller = new CredentialTeller({ config, metrics, log }, FAST);
  onTestFinished(() => teller.stop());
  await teller.start();
  const told = async (name: string): Promise<Record<string, number>> => {
    const series = (await metrics.render()).matchAll(/^(adtally_\w+)\{([^}]*)\} (\S+)$/gm);
    return Object.fromEntries(
      [...series]
        .filter(([, one]) => one === `adtally_${name}_expiry_timestamp_seconds`)
        .map(([, , labels = '', value]) => [labels, Number(value)]),
    );
  };
  const days = async (): Promise<Record<string, number>> =>
    Object.fromEntries(
      Object.entries(await told('certificate')).map(([labels, end]) => [
        labels,
        Math.round((end - Date.now() / 1_000) / DAY_SECONDS),
      ]),
    );
  return { told, days, warned: () => warn.mock.calls.map(([about]) => about) };
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  await waitFor(holds, { what, timeoutMs: 60_000, intervalMs: 20 });
}

test('the end of every file is told, and moves when a file is replaced under a running service', async () => {
  const file = folder();
  const client = selfSigned(3);
  // An authority that is near its end beside the one that follows it: the end of trust is the last.
  const ca = file('kafka-ca.pem', selfSigned(20).cert + selfSigned(1).cert);
  // A key beside its certificate, as some keep them; and of a chain to show the first end counts.
  const own = file('kafka-client.pem', client.key + client.cert + selfSigned(9).cert);
  const root = file('root.pem', selfSigned(5).cert);
  const registry = file('registry.pem', selfSigned(6).cert);
  vi.stubEnv('NODE_EXTRA_CA_CERTS', file('extra.pem', selfSigned(7).cert));
  vi.stubEnv('OTEL_EXPORTER_OTLP_CERTIFICATE', file('otlp.pem', selfSigned(8).cert));
  const kafka = readKafkaSettings({
    KAFKA_BROKERS: '127.0.0.1:1',
    KAFKA_SECURITY_PROTOCOL: 'ssl',
    KAFKA_SSL_CA_FILE: ca,
    KAFKA_SSL_CERT_FILE: own,
    KAFKA_SSL_KEY_FILE: file('kafka-client.key', client.key),
  });
  let databaseUrl = `${PLAIN}?sslmode=verify-full&sslrootcert=${root}&sslcert=${own}`;
  const the = await running({
    databaseUrl: () => databaseUrl,
    kafka,
    schemaRegistryCaFile: registry,
  });
  const all = {
    'server="kafka",role="ca"': 20,
    'server="kafka",role="client"': 3,
    'server="postgres",role="ca"': 5,
    'server="postgres",role="client"': 3,
    'server="schema-registry",role="ca"': 6,
    'server="otlp",role="ca"': 8,
    'server="any",role="ca"': 7,
  };
  await until('all files', async () => Object.keys(await the.days()).length === 7);
  expect(await the.days()).toEqual(all);

  file('root.pem', selfSigned(90).cert);
  await until('the new one', async () => (await the.days())['server="postgres",role="ca"'] === 90);
  expect(await the.days()).toEqual({ ...all, 'server="postgres",role="ca"': 90 });

  // The address is a secret that may change; without TLS its files are nobody's.
  databaseUrl = `${PLAIN}?sslmode=disable&sslrootcert=${root}&sslcert=${own}`;
  await until('no files', async () => Object.keys(await the.days()).length === 5);
  expect(the.warned()).toEqual([]);
});

test('a file that cannot be read is warned of once, by its name, and what was read before stays told', async () => {
  const file = folder();
  const ca = file('ca.pem', selfSigned(9).cert);
  const the = await running({ databaseUrl: PLAIN, schemaRegistryCaFile: ca });
  const nine = { 'server="schema-registry",role="ca"': 9 };
  await until('it', async () => Object.keys(await the.days()).length === 1);
  for (const [turn, spoil] of [
    () => void file('ca.pem', ''),
    () => void file('ca.pem', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----'),
    () => rmSync(ca),
  ].entries()) {
    spoil();
    await until('a warning', async () => the.warned().length > turn);
    expect(await the.days()).toEqual(nine);
  }
  expect(the.warned()).toEqual(
    Array.from({ length: 3 }, () => ({ err: expect.any(Error), credential: ca })),
  );
  file('ca.pem', selfSigned(50).cert);
  await until('the new one', async () => Object.values(await the.days())[0] === 50);
});

test('the end of the token in hand moves on while it is renewed, and stands still once nobody gives one', async () => {
  const issuer = await tokenIssuer({ adtally: SECRET });
  onTestFinished(() => issuer.close());
  issuer.lifeSeconds = 2;
  const kafka = readKafkaSettings({
    KAFKA_BROKERS: '127.0.0.1:1',
    KAFKA_SECURITY_PROTOCOL: 'sasl_plaintext',
    KAFKA_SASL_MECHANISM: 'OAUTHBEARER',
    KAFKA_OAUTH_TOKEN_URL: issuer.url,
    KAFKA_OAUTH_CLIENT_ID: 'adtally',
    KAFKA_OAUTH_CLIENT_SECRET: SECRET,
  });
  const the = await running({ databaseUrl: PLAIN, kafka });
  const end = async () => (await the.told('token'))['server="kafka"'];
  await until('a token', async () => (await end()) !== undefined);
  const first = await end();
  expect(Math.abs((first ?? 0) - Date.now() / 1_000 - 2)).toBeLessThan(2);
  // Nobody but the teller asks: a process that needs no token for long is not near its end.
  await until('a newer one', async () => (await end()) !== first);
  expect(the.warned()).toEqual([]);

  await issuer.close();
  await until('its end', async () => Date.now() / 1_000 > ((await end()) ?? Infinity));
  await until('a warning', async () => the.warned().length > 0);
  expect(await end()).toBe((kafka.tokens?.expiresAtMs ?? 0) / 1_000);
  expect(JSON.stringify(the.warned())).not.toContain(SECRET);
});

test('it starts and stops at any moment', async () => {
  const metrics = createMetrics({ service: 'test', version: '0', definitions: {} });
  onTestFinished(() => metrics.shutdown());
  const log = createLogger({ service: 'test', level: 'silent' });
  const config = { databaseUrl: PLAIN };
  await stressStartStop(() => new CredentialTeller({ config, metrics, log }, FAST));
});
