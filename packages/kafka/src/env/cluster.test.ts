import { describe, expect, test } from 'vitest';
import { ConfigError } from '@adtally/config';
import { commonConfig } from '../settings.ts';
import { readKafkaSettings } from './cluster.ts';

const readable = import.meta.filename;

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
