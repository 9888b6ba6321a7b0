import { join, resolve } from 'node:path';
import { EXIT } from '@adtally/command-line';
import { secret, text } from '@adtally/config';
import { StackError } from './errors.ts';

/** Servers named in the environment; an undefined one is started here. */
export interface ExternalAddresses {
  readonly kafkaBrokers: string | undefined;
  readonly databaseUrl: string | undefined;
  readonly redisUrl: string | undefined;
}

/** Root of this clone. */
export const repositoryRoot = resolve(import.meta.dirname, '../../..');

/** State, logs and data of this clone's stack; ignored by git. */
export const localFolder = join(repositoryRoot, '.local');

function nonEmpty(value: string | undefined): string | undefined {
  return value === undefined || value === '' ? undefined : value;
}

/**
 * Addresses given by the environment. An empty REDIS_URL means "no Redis" to a service, and
 * "start one" to the stack, so an empty value counts as not given.
 */
export function externalAddresses(env: NodeJS.ProcessEnv = process.env): ExternalAddresses {
  return {
    kafkaBrokers: nonEmpty(env['KAFKA_BROKERS']),
    databaseUrl: fromVariableOrFile('DATABASE_URL', env),
    redisUrl: fromVariableOrFile('REDIS_URL', env),
  };
}

/** As the services read it: the address, or the content of the file that `NAME_FILE` names. */
function fromVariableOrFile(variable: string, env: NodeJS.ProcessEnv): string | undefined {
  const field = secret(text(variable, { default: '', meaning: 'address of a server' }));
  const reading = field.read(env);
  if ('problems' in reading) {
    throw new StackError(reading.problems.join('; '), { exitCode: EXIT.configuration });
  }
  return nonEmpty(reading.value());
}
