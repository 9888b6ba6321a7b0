import { ConfigError, describeConfig, type Env, loadEnv } from '@adtally/config';
import { DATABASE_ENV, WRITER_ENV } from '@adtally/db/env';
import {
  GROUP_ENV,
  KAFKA_ENV,
  KAFKA_RULES,
  READER_ENV,
  TOPICS_ENV,
  TOPICS_RULES,
} from '@adtally/kafka/env';
import { serviceEnv } from '@adtally/service';
import { type FuzzTarget, must } from '../target.ts';

const SCHEMA = {
  ...KAFKA_ENV,
  ...TOPICS_ENV,
  ...GROUP_ENV,
  ...READER_ENV,
  ...DATABASE_ENV,
  ...WRITER_ENV,
  ...serviceEnv(8080),
};
const RULES = [...KAFKA_RULES, ...TOPICS_RULES];
const PASSWORD = 'pw-that-nobody-may-see';
const NAMES = Object.values(SCHEMA).map(({ variable }) => variable);
/** They name files and programs of this machine: what is in these is none of the reader's. */
const ELSEWHERE = /_FILE$|_COMMAND$/;

export default {
  name: 'configuration',
  what: 'the environment of a service: settings, or a ConfigError; no password in what is shown',
  share: 4,
  seeds: () => [
    Buffer.from(
      'KAFKA_BROKERS=a:9092,b:9092\nDATABASE_URL=postgres://u@h:5432/d?sslmode=require\nCONSUMER_GROUP=g',
    ),
    Buffer.from(NAMES.map((name) => `${name}=`).join('\n')),
    Buffer.from(
      'KAFKA_SECURITY_PROTOCOL=sasl_ssl\nKAFKA_SASL_MECHANISM=PLAIN\nKAFKA_SASL_USERNAME=u\nKAFKA_BROKERS=a:1',
    ),
    Buffer.from(
      'DATABASE_URL=postgresql://u@/d?host=/run,/tmp&port=1,2&target_session_attrs=read-write\nADMIN_PORT=0',
    ),
  ],
  dictionary: [
    ...NAMES.map((name) => `\n${name}=`), 'postgres://', 'sslmode=verify-full', '10s', '5m', '-1', '1e3', '0x10', '99999999999',
    '%', '%zz', '[::1]', '@', '?', '&', ',', ':', 'true', 'None', '\u0000', '\ud800', '__proto__=1\n',
  ], // prettier-ignore
  run: (input) => {
    const pairs = input
      .toString('utf8')
      .split('\n')
      .map((line): [string, string] => {
        const [name = '', ...value] = line.split('=');
        return [name, value.join('=')];
      })
      .filter(([name]) => !ELSEWHERE.test(name));
    const env = Object.fromEntries([...pairs, ['DATABASE_PASSWORD', PASSWORD]]) as Env;
    // Without a mechanism a password is refused.
    const all = env['KAFKA_SASL_MECHANISM'] ? { ...env, KAFKA_SASL_PASSWORD: PASSWORD } : env;
    try {
      const shown = describeConfig(SCHEMA, loadEnv(SCHEMA, all, RULES));
      must(!JSON.stringify(shown).includes(PASSWORD), 'a password is shown');
      return 'settings';
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      must(!error.message.includes(PASSWORD), 'a password is in an error');
      return 'refused';
    }
  },
} satisfies FuzzTarget;
