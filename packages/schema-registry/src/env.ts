import { accessSync, constants } from 'node:fs';
import {
  loadEnv,
  secret,
  text,
  url,
  type ConfigOf,
  type Env,
  type EnvField,
  type Rule,
} from '@adtally/config';

/** How to reach a schema registry that speaks Confluent's API, by the names its own clients have for it. */
export const SCHEMA_REGISTRY_ENV = {
  schemaRegistryUrl: checked(
    url('SCHEMA_REGISTRY_URL', {
      schemes: ['http', 'https'],
      default: '',
      meaning:
        "empty = none; else it is asked what schema a value in Confluent's framing names, for logs and rejections (docs/adr/0035)",
    }),
    addressProblem,
  ),
  schemaRegistryLogin: secret(
    checked(
      text('SCHEMA_REGISTRY_BASIC_AUTH_USER_INFO', {
        default: '',
        hidden: true,
        meaning: '`user:password`',
      }),
      (value) => (value.includes(':') ? undefined : 'must be user:password'),
    ),
  ),
  schemaRegistryCaFile: text('SCHEMA_REGISTRY_SSL_CA_FILE', {
    default: '',
    trim: true,
    meaning: 'PEM file',
  }),
} as const;

export type SchemaRegistryConfig = ConfigOf<typeof SCHEMA_REGISTRY_ENV>;

/** What goes together. */
export const SCHEMA_REGISTRY_RULES: readonly Rule<SchemaRegistryConfig>[] = [
  {
    of: ['schemaRegistryUrl', 'schemaRegistryLogin'],
    problem: ({ schemaRegistryUrl, schemaRegistryLogin }) =>
      schemaRegistryLogin() !== '' && schemaRegistryUrl === ''
        ? 'SCHEMA_REGISTRY_BASIC_AUTH_USER_INFO needs SCHEMA_REGISTRY_URL'
        : undefined,
  },
  {
    of: ['schemaRegistryUrl', 'schemaRegistryCaFile'],
    problem: ({ schemaRegistryUrl, schemaRegistryCaFile: file }) => {
      if (file === '') return undefined;
      if (!schemaRegistryUrl.startsWith('https:'))
        return 'SCHEMA_REGISTRY_SSL_CA_FILE needs a SCHEMA_REGISTRY_URL that begins with https://';
      return isReadable(file) ? undefined : `SCHEMA_REGISTRY_SSL_CA_FILE: cannot read "${file}"`;
    },
  },
];

/** Clients of a registry also take lists, and a login within the address. */
function addressProblem(address: string): string | undefined {
  if (address.includes(',') || !URL.canParse(address))
    return 'must be one address, as http://registry:8081';
  return new URL(address).username === ''
    ? undefined
    : 'must hold no login: give it as SCHEMA_REGISTRY_BASIC_AUTH_USER_INFO';
}

/** A field with a check of its own, of what is not empty. */
function checked(
  plain: EnvField<string>,
  problemOf: (value: string) => string | undefined,
): EnvField<string> {
  return {
    ...plain,
    read(env) {
      const reading = plain.read(env);
      if ('problems' in reading || reading.value === '') return reading;
      const problem = problemOf(reading.value);
      return problem === undefined ? reading : { problems: [`${plain.variable} ${problem}`] };
    },
  };
}

function isReadable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

/** For a program that reads nothing else; throws ConfigError with all problems. */
export function readSchemaRegistryConfig(env: Env): SchemaRegistryConfig {
  return loadEnv(SCHEMA_REGISTRY_ENV, env, SCHEMA_REGISTRY_RULES);
}
