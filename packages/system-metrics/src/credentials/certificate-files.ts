import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import type { Secret } from '@adtally/config';
import { databaseCertificateFiles } from '@adtally/db';
import { kafkaCertificateFiles, type KafkaSettings } from '@adtally/kafka';
import { pathIn } from './env.ts';

export interface CredentialConfig {
  readonly databaseUrl: string | Secret;
  /** Undefined = this process has no brokers. */
  readonly kafka?: KafkaSettings | undefined;
  /** '' = none. */
  readonly schemaRegistryCaFile?: string;
}

/** A file (PEM) of whom the process trusts at a server (`ca`), or by which it shows who it is (`client`). */
export interface CertificateFile {
  readonly server: 'kafka' | 'postgres' | 'schema-registry' | 'otlp' | 'any';
  readonly role: 'ca' | 'client';
  readonly path: string;
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----/gs;
/** Of the exporter's variables, read by itself: for both signals, and for one of them. */
const OTLP_SIGNALS = ['', 'TRACES_', 'METRICS_'];

/**
 * The files that the process goes by, as its settings are now.
 *
 * @throws AddressError
 */
export function certificateFiles(config: CredentialConfig): CertificateFile[] {
  const { databaseUrl, kafka, schemaRegistryCaFile = '' } = config;
  const ofKafka = kafka === undefined ? [] : kafkaCertificateFiles(kafka);
  const files: CertificateFile[] = [
    ...ofKafka.map((file) => ({ ...file, server: 'kafka' as const })),
    ...databaseCertificateFiles(databaseUrl).map((file) => ({
      ...file,
      server: 'postgres' as const,
    })),
    { server: 'schema-registry', role: 'ca', path: schemaRegistryCaFile },
    ...OTLP_SIGNALS.flatMap((signal): CertificateFile[] => [
      variable('otlp', 'ca', `OTEL_EXPORTER_OTLP_${signal}CERTIFICATE`),
      variable('otlp', 'client', `OTEL_EXPORTER_OTLP_${signal}CLIENT_CERTIFICATE`),
    ]),
    // Node trusts it beside its own, wherever a connection names no file: Redis, sinks of alerts.
    variable('any', 'ca', 'NODE_EXTRA_CA_CERTS'),
  ];
  return files.filter(({ path }) => path !== '');
}

/**
 * When a file no longer serves, in Unix time in ms: a chain to show from its first end on, authorities from their last
 * end on, since which of them signed the server's certificate is not known here, and files keep old ones for years.
 *
 * @throws Error where it cannot be read, holds no certificate, or one that is none
 */
export async function endMsOf(
  { role, path }: CertificateFile,
  signal: AbortSignal,
): Promise<number> {
  const certificates = (await readFile(path, 'utf8')).match(CERTIFICATE) ?? [];
  if (certificates.length === 0) throw new Error('it holds no certificate in PEM form');
  const ends: number[] = [];
  for (const one of certificates) {
    ends.push(new X509Certificate(one).validToDate.getTime());
    // A bundle of all authorities would hold the thread for some 15 ms.
    await setImmediate();
    signal.throwIfAborted();
  }
  return role === 'ca' ? Math.max(...ends) : Math.min(...ends);
}

function variable(
  server: CertificateFile['server'],
  role: CertificateFile['role'],
  name: string,
): CertificateFile {
  return { server, role, path: pathIn(name) };
}
