import { parseArgs } from 'node:util';
import { ConfigError } from '@adtally/config';
import { readKafkaSettings, readTopics } from '@adtally/kafka/env';
import { completeMix, DEFAULT_MIX, type Mix } from './mix.ts';
import type { SimulateOptions } from './simulate.ts';

export const USAGE = `usage: event-simulator [options]
  --events N         records to produce (default 100000)
  --seed N           the same seed and options give the same records (default 1)
  --rate N           records a second, 0 = as fast as the broker takes them (default 0)
  --topic NAME       default: EVENTS_TOPIC, else ad-events; must exist
  --brokers LIST     host:port,...; default: KAFKA_BROKERS (KAFKA_* also for TLS and SASL)
  --base-time TIME   the instant the run pretends to end at, RFC 3339 (default: now)
  --mix LIST         shares of the records, e.g. duplicate=0.1,malformed=0
                     (${Object.entries(DEFAULT_MIX)
                       .map(([name, share]) => `${name}=${share}`)
                       .join(', ')})
  --journal FILE     write every attempted record and its outcome, as JSON lines
  --json             print the truth as one JSON object on one line
  --help
`;

/** A command line that makes no sense; the message names everything that is wrong with it. */
export class UsageError extends Error {
  override name = 'UsageError';
}

export interface CommandLine {
  readonly simulate: SimulateOptions & { readonly baseTimeMs: number };
  readonly json: boolean;
}

/**
 * Reads the command line and the environment.
 *
 * @returns `null` where help is asked for
 * @throws UsageError
 */
export function readCommandLine(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  nowMs: number,
): CommandLine | null {
  const values = parse(args);
  if (values.help === true) return null;
  const problems: string[] = [];
  const kafkaEnv = values.brokers === undefined ? env : { ...env, KAFKA_BROKERS: values.brokers };
  const kafka = attempt(() => readKafkaSettings(kafkaEnv), problems);
  const integer = (name: 'events' | 'seed' | 'rate', fallback: number): number => {
    const text = values[name];
    if (text === undefined) return fallback;
    if (!/^[0-9]{1,15}$/.test(text)) problems.push(`--${name} must be a whole number: ${text}`);
    return Number(text);
  };
  const baseTimeMs = values['base-time'] === undefined ? nowMs : Date.parse(values['base-time']);
  if (Number.isNaN(baseTimeMs)) problems.push(`--base-time is no time: ${values['base-time']}`);
  const line = {
    events: integer('events', 100_000),
    seed: integer('seed', 1),
    rate: integer('rate', 0),
    mix: readMix(values.mix, problems),
    topic: attempt(() => values.topic ?? readTopics(env).events.name, problems) ?? '',
  };
  if (kafka === undefined || problems.length > 0) throw new UsageError(problems.join('\n'));
  const { brokers, security, tokens } = kafka;
  const journalPath = values.journal;
  return {
    simulate: { ...line, brokers, security, tokens, baseTimeMs, journalPath },
    json: values.json === true,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        events: { type: 'string' },
        seed: { type: 'string' },
        rate: { type: 'string' },
        topic: { type: 'string' },
        brokers: { type: 'string' },
        'base-time': { type: 'string' },
        mix: { type: 'string' },
        journal: { type: 'string' },
        json: { type: 'boolean' },
        help: { type: 'boolean' },
      },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function readMix(text: string | undefined, problems: string[]): Partial<Mix> {
  const pairs = (text ?? '').split(',').filter((pair) => pair !== '');
  const mix = Object.fromEntries(
    pairs.map((pair) => {
      const [name = '', share = ''] = pair.split('=');
      return [name.trim(), share.trim() === '' ? NaN : Number(share)];
    }),
  ) as Partial<Mix>;
  return attempt(() => completeMix(mix), problems) ?? {};
}

function attempt<T>(read: () => T, problems: string[]): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof ConfigError) problems.push(...error.problems);
    else problems.push(error instanceof Error ? error.message : String(error));
    return undefined;
  }
}
