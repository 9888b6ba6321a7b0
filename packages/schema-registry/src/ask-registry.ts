/**
 * Questions to a schema registry by Confluent's API. Two GET requests need no client: Confluent's own for Node brings
 * the SDKs of three clouds along (docs/adr/0035).
 */
import { readFileSync } from 'node:fs';
import { type IncomingMessage, request as plainRequest } from 'node:http';
import { type RequestOptions, request as tlsRequest } from 'node:https';
import { text as textOf } from 'node:stream/consumers';
import type { FrameSchema } from '@adtally/event-schema';
import type { SchemaRegistryConfig } from './env.ts';
import { RegistryFailure } from './registry-failure.ts';

/** Of one answer; a schema comes along that nobody reads here. */
const ANSWER_MAX_BYTES = 16 * 1024 * 1024;
const TIMEOUT_MS = 5_000;
/** Confluent's number for "schema not found". Any other 404 is not from a registry, or from beside its path. */
const NO_SUCH_SCHEMA = 40_403;
/** What the API takes for granted where an answer names no type. */
const TYPE_DEFAULT = 'AVRO';
const WORD_CHARACTERS_MAX = 200;

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/**
 * @param id the schema's number, as in a frame
 * @returns null where the registry has no such schema
 * @throws RegistryFailure
 */
export async function askSchema(
  config: SchemaRegistryConfig,
  id: number,
): Promise<FrameSchema | null> {
  const { status, body } = await ask(config, `/schemas/ids/${id}`);
  if (status === 404 && fieldOf(body, 'error_code') === NO_SUCH_SCHEMA) return null;
  if (status !== 200 || typeof fieldOf(body, 'schema') !== 'string') throw notSpoken(status);
  const type = wordOf(fieldOf(body, 'schemaType')) ?? TYPE_DEFAULT;
  const versions = (await ask(config, `/schemas/ids/${id}/versions`)).body;
  const [first] = Array.isArray(versions) ? (versions as unknown[]) : [];
  return { type, subject: wordOf(fieldOf(first, 'subject')) };
}

/** @returns the types of schemas that it keeps. @throws RegistryFailure */
export async function askTypes(config: SchemaRegistryConfig): Promise<string[]> {
  const { status, body } = await ask(config, '/schemas/types');
  if (status !== 200 || !Array.isArray(body)) throw notSpoken(status);
  return body.map((one) => wordOf(one) ?? '?');
}

async function ask(config: SchemaRegistryConfig, path: string): Promise<Answer> {
  try {
    const answer = await get(config, path);
    const status = answer.statusCode ?? 0;
    let bytes = 0;
    answer.on('data', (chunk: Buffer) => {
      if ((bytes += chunk.length) > ANSWER_MAX_BYTES)
        answer.destroy(new Error('too long an answer'));
    });
    const text = await textOf(answer);
    if (status === 401 || status === 403)
      throw new RegistryFailure(
        'refused',
        `it answers ${status}: user or password is wrong, or may not read`,
      );
    if (status === 429 || status >= 500) throw new RegistryFailure('away', `it answers ${status}`);
    return { status, body: parsed(text) };
  } catch (error) {
    if (error instanceof RegistryFailure) throw error;
    const { message, code } = error as NodeJS.ErrnoException;
    const why = message === '' ? code : message;
    throw new RegistryFailure(isTrust(code) ? 'refused' : 'away', why ?? 'no answer');
  }
}

async function get(config: SchemaRegistryConfig, path: string): Promise<IncomingMessage> {
  const { schemaRegistryUrl, schemaRegistryLogin, schemaRegistryCaFile } = config;
  const target = new URL(schemaRegistryUrl);
  target.pathname = `${target.pathname.replace(/\/+$/, '')}${path}`;
  const login = schemaRegistryLogin();
  const options: RequestOptions = {
    headers: { accept: 'application/vnd.schemaregistry.v1+json, application/json' },
    signal: AbortSignal.timeout(TIMEOUT_MS),
    ...(login === '' ? {} : { auth: login }),
    ...(schemaRegistryCaFile === '' ? {} : { ca: readFileSync(schemaRegistryCaFile) }),
  };
  const request = target.protocol === 'https:' ? tlsRequest : plainRequest;
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  request(target, options, resolve).on('error', reject).end();
  return await promise;
}

/** Certificates: nothing that passes by itself. */
function isTrust(code: string | undefined): boolean {
  return /CERT|ERR_TLS|ERR_SSL|EPROTO/.test(code ?? '');
}

function notSpoken(status: number): RegistryFailure {
  return new RegistryFailure(
    'refused',
    `it answers ${status} and not as Confluent's API does: the address may lack a path, as /apis/ccompat/v7`,
  );
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null
    ? (value as Record<string, unknown>)[name]
    : undefined;
}

/** A name that the registry gives, fit for a sentence. */
function wordOf(value: unknown): string | null {
  if (typeof value !== 'string' || value === '') return null;
  return value.replaceAll(/[^ -~]|"/g, '?').slice(0, WORD_CHARACTERS_MAX);
}
