import {
  durationMs,
  type EnvField,
  loadEnv,
  secret,
  type Secret,
  text,
  url,
  type ConfigOf,
  type Env,
} from '@adtally/config';
import { AddressError, parseAddress } from './address/address.ts';
import { type DatabaseUrl, passwordFrom, type PasswordSource } from './password-source.ts';

const ADDRESS = url('DATABASE_URL', {
  schemes: ['postgres', 'postgresql'],
  meaning: '`postgres://...` as libpq reads it; a direct connection or a session-mode pooler',
});

const PASSWORD = secret(
  text('DATABASE_PASSWORD', {
    default: '',
    hidden: true,
    meaning: 'goes before the one in `DATABASE_URL`',
  }),
);

const PASSWORD_COMMAND = text('DATABASE_PASSWORD_COMMAND', {
  default: '',
  hidden: true,
  meaning: 'a shell command that prints the password, run for each connection: tokens that expire',
});

/** Where the database is, and who we are there. */
export const DATABASE_ENV = {
  databaseUrl: withPassword(secret({ ...ADDRESS, read: readAddress })),
  databasePassword: PASSWORD,
  databasePasswordCommand: PASSWORD_COMMAND,
} as const;

function readAddress(env: Env): ReturnType<typeof ADDRESS.read> {
  const reading = ADDRESS.read(env);
  if ('problems' in reading) return reading;
  try {
    parseAddress(reading.value);
    return reading;
  } catch (error) {
    if (error instanceof AddressError) return { problems: error.problems };
    throw error;
  }
}

/** The address takes its password along, so that whoever opens a connection need not know where it is from. */
function withPassword(address: EnvField<Secret>): EnvField<Secret> {
  return {
    ...address,
    read(env) {
      const reading = address.read(env);
      if ('problems' in reading) return reading;
      const password = passwordSource(env);
      if (password === undefined) return reading;
      if (password instanceof Error) return { problems: [password.message] };
      const value: DatabaseUrl = Object.assign(() => reading.value(), { password });
      return { value };
    },
  };
}

/** What is wrong with the password's own variables they tell themselves. */
function passwordSource(env: Env): PasswordSource | Error | undefined {
  const [password, command] = [PASSWORD.read(env), PASSWORD_COMMAND.read(env)];
  if ('problems' in password || 'problems' in command) return undefined;
  const isGiven = password.value() !== '';
  if (command.value === '') return isGiven ? async () => password.value() : undefined;
  return isGiven
    ? new Error('DATABASE_PASSWORD and DATABASE_PASSWORD_COMMAND are both set: give one of them')
    : async () => await passwordFrom(command.value);
}

/** Bounds of the database session that writes events. */
export const WRITER_ENV = {
  lockTimeoutMs: durationMs('LOCK_TIMEOUT_MS', {
    default: 5_000,
    min: 100,
    max: 600_000,
    meaning: 'wait for one database lock; below `STATEMENT_TIMEOUT_MS`',
  }),
  statementTimeoutMs: durationMs('STATEMENT_TIMEOUT_MS', {
    default: 30_000,
    min: 1_000,
    max: 600_000,
    meaning: 'longest statement; 5 s later a silent connection is cut',
  }),
} as const;

/** For the migration job, which reads nothing else; throws ConfigError with all problems. */
export function readDatabaseConfig(env: Env = process.env): ConfigOf<typeof DATABASE_ENV> {
  return loadEnv(DATABASE_ENV, env);
}
