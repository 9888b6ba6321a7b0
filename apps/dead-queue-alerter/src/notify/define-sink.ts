import { field, NotAllowed, secret, type ConfigOf, type EnvSchema } from '@adtally/config';
import type { Sink } from './sink.ts';

/** A kind of sink: its variables, and how it is opened from them. */
export interface SinkKind<Name extends string = string> {
  readonly name: Name;
  readonly env: EnvSchema;
  /** Null where it is not configured. `config` holds at least what `env` declares. */
  open(config: object, timeoutMs: number): Sink<Name> | null;
}

interface Declared<Name extends string, S extends EnvSchema> {
  readonly name: Name;
  readonly env: S;
  readonly open: (config: ConfigOf<S>, timeoutMs: number) => Omit<Sink, 'name'> | null;
}

/** What the one file of a sink exports. */
export function defineSink<const Name extends string, S extends EnvSchema>({
  name,
  env,
  open,
}: Declared<Name, S>): SinkKind<Name> {
  return {
    name,
    env,
    open: (config, timeoutMs) => {
      const sink = open(config as ConfigOf<S>, timeoutMs);
      return sink === null ? null : { name, ...sink };
    },
  };
}

/** Where a sink answers, asked for at each attempt. Its path may be a secret: never shown. */
export function sinkUrl(variable: string, options: { meaning: string; default?: string }) {
  const address = field<string>(variable, {
    allowed: 'a URL beginning with http:// or https://',
    meaning: options.meaning,
    defaultText: options.default ?? '',
    hidden: true,
    parse: (value) => {
      if (value === '') return value;
      if (!/^https?:\/\/./.test(value)) return undefined;
      return URL.canParse(value) ? value : new NotAllowed([`${variable}: its value is no URL`]);
    },
    show: (value) => (value === '' ? '' : '***'),
  });
  return secret(address);
}
