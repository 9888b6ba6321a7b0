import { describe, expect, test } from 'vitest';
import { ConfigError, describeConfig, loadEnv } from '@adtally/config';
import { commonConfig } from '../settings.ts';
import { KAFKA_ENV, KAFKA_RULES, readKafkaSettings } from './cluster.ts';

const readable = import.meta.filename;
const OAUTH = {
  KAFKA_BROKERS: 'a:1',
  KAFKA_SECURITY_PROTOCOL: 'sasl_ssl',
  KAFKA_SASL_MECHANISM: 'OAUTHBEARER',
};

function problemsOf(env: Record<string, string | undefined>): readonly string[] {
  try {
    readKafkaSettings(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe('the cluster by its variables', () => {
  test('brokers alone are enough: plaintext with the default client id', () => {
    expect(readKafkaSettings({ KAFKA_BROKERS: 'a:9092, [::1]:9093 ,b.c-d:1' })).toEqual({
      brokers: 'a:9092,[::1]:9093,b.c-d:1',
      clientId: 'adtally',
      security: { 'security.protocol': 'plaintext' },
    });
  });

  test('TLS and SASL become librdkafka properties', () => {
    const settings = readKafkaSettings({
      KAFKA_BROKERS: 'a:9092',
      KAFKA_CLIENT_ID: 'ingest',
      KAFKA_SECURITY_PROTOCOL: 'SASL_SSL',
      KAFKA_SSL_CA_FILE: readable,
      KAFKA_SSL_CERT_FILE: readable,
      KAFKA_SSL_KEY_FILE: readable,
      KAFKA_SASL_MECHANISM: 'scram-sha-512',
      KAFKA_SASL_USERNAME: 'user',
      KAFKA_SASL_PASSWORD: ' p ',
    });
    expect(settings).toEqual({
      brokers: 'a:9092',
      clientId: 'ingest',
      security: {
        'security.protocol': 'sasl_ssl',
        'ssl.ca.location': readable,
        'ssl.certificate.location': readable,
        'ssl.key.location': readable,
        'sasl.mechanism': 'SCRAM-SHA-512',
        'sasl.username': 'user',
        'sasl.password': expect.any(Function),
      },
    });
    expect(commonConfig(settings)).toMatchObject({ 'sasl.password': ' p ' });
  });

  test('tokens come from their giver, and what it is told of is shown without its secret', () => {
    const env = {
      ...OAUTH,
      KAFKA_OAUTH_TOKEN_URL: 'https://idp.example/token',
      KAFKA_OAUTH_CLIENT_ID: 'adtally',
      KAFKA_OAUTH_CLIENT_SECRET: 'hunter2',
      KAFKA_OAUTH_EXTENSIONS: 'logicalCluster=lkc-1, identityPoolId=pool-2',
    };
    const { security, tokens } = readKafkaSettings(env);
    expect(security).toEqual({ 'security.protocol': 'sasl_ssl', 'sasl.mechanism': 'OAUTHBEARER' });
    expect(tokens?.extensions).toEqual({ logicalCluster: 'lkc-1', identityPoolId: 'pool-2' });
    const shown = describeConfig(KAFKA_ENV, loadEnv(KAFKA_ENV, env, KAFKA_RULES));
    expect(shown).toMatchObject({
      KAFKA_OAUTH_CLIENT_ID: 'adtally',
      KAFKA_OAUTH_CLIENT_SECRET: '***',
      KAFKA_OAUTH_EXTENSIONS: 'logicalCluster=lkc-1,identityPoolId=pool-2',
    });
  });

  test('every problem is reported at once, without the password', () => {
    const problems = problemsOf({
      KAFKA_BROKERS: 'a:9092,nohost,b:0,c:70000',
      KAFKA_SECURITY_PROTOCOL: 'plaintext',
      KAFKA_SSL_CERT_FILE: '/does/not/exist',
      KAFKA_SASL_PASSWORD: 'hunter2',
    });
    expect(problems).toHaveLength(6);
    expect(problems.join('\n')).not.toContain('hunter2');
  });

  test.each([
    [{}, 'KAFKA_BROKERS is required'],
    [{ KAFKA_BROKERS: ' ' }, 'KAFKA_BROKERS is required'],
    [{ KAFKA_BROKERS: 'http://a:9092' }, 'is not host:port'],
    [{ KAFKA_BROKERS: 'a:9092,' }, 'is not host:port'],
    [{ KAFKA_BROKERS: 'a:1', KAFKA_SECURITY_PROTOCOL: 'tls' }, 'KAFKA_SECURITY_PROTOCOL'],
    [
      {
        KAFKA_BROKERS: 'a:1',
        KAFKA_SECURITY_PROTOCOL: 'ssl',
        KAFKA_SSL_CA_FILE: '/does/not/exist',
      },
      'KAFKA_SSL_CA_FILE: cannot read',
    ],
    [
      { KAFKA_BROKERS: 'a:1', KAFKA_SECURITY_PROTOCOL: 'ssl', KAFKA_SSL_KEY_FILE: readable },
      'go together',
    ],
    [{ KAFKA_BROKERS: 'a:1', KAFKA_SECURITY_PROTOCOL: 'sasl_ssl' }, 'KAFKA_SASL_MECHANISM must be'],
    [{ KAFKA_BROKERS: 'a:1', KAFKA_SASL_USERNAME: 'u' }, 'KAFKA_SASL_USERNAME needs'],
    [OAUTH, 'KAFKA_OAUTH_TOKEN_URL is required with KAFKA_SASL_MECHANISM=OAUTHBEARER'],
    [
      { ...OAUTH, KAFKA_SASL_USERNAME: 'u' },
      'KAFKA_SASL_USERNAME needs KAFKA_SASL_MECHANISM PLAIN, SCRAM-SHA-256, SCRAM-SHA-512',
    ],
    [
      { ...OAUTH, KAFKA_OAUTH_TOKEN_URL: 'http://idp.example/token' },
      'KAFKA_OAUTH_TOKEN_URL: its value is not allowed; give a URL beginning with https://',
    ],
    [{ ...OAUTH, KAFKA_OAUTH_EXTENSIONS: 'a=1,b' }, 'KAFKA_OAUTH_EXTENSIONS: give name=value'],
    [
      { ...OAUTH, KAFKA_SECURITY_PROTOCOL: 'sasl_plaintext', KAFKA_SASL_MECHANISM: 'AWS_MSK_IAM' },
      'KAFKA_SASL_MECHANISM=AWS_MSK_IAM needs KAFKA_SECURITY_PROTOCOL sasl_ssl',
    ],
    [
      { ...OAUTH, KAFKA_SASL_MECHANISM: 'AWS_MSK_IAM' },
      'KAFKA_AWS_REGION is required with KAFKA_SASL_MECHANISM=AWS_MSK_IAM',
    ],
  ])('%j is refused', (env, text) => {
    expect(problemsOf(env).join('\n')).toContain(text);
  });

  test('security settings reach every client', () => {
    const security = { 'security.protocol': 'ssl' };
    expect(commonConfig({ brokers: 'a:1', clientId: 'c', security })).toMatchObject({
      'bootstrap.servers': 'a:1',
      'client.id': 'c',
      'security.protocol': 'ssl',
    });
  });
});
