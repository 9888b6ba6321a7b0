import type { DecodeLimits, FrameSchema } from '@adtally/event-schema';
import { backoffMs, RepeatedWords } from '@adtally/pacing';
import type { Logger } from '@adtally/telemetry';
import { askSchema } from './ask-registry.ts';
import type { SchemaRegistryConfig } from './env.ts';

/** Garbage that begins with a zero byte names a new number in each record. */
const KNOWN_MAX = 1_000;
const ASKED_AT_ONCE_MAX = 4;
/** A schema that is not there may be registered yet; one that is never changes. */
const MISSING_KEPT_MS = 60_000;
const PAUSE_FIRST_MS = 1_000;
const PAUSE_LAST_MS = 60_000;
const SAID_MAX = 100;

/** For the limits that records are read by; nothing where no registry is given. */
export function schemasOf(
  config: SchemaRegistryConfig,
  log: Logger,
): Pick<DecodeLimits, 'schemaOf'> {
  if (config.schemaRegistryUrl === '') return {};
  return { schemaOf: new SchemaNumbers(config, log).schemaOf };
}

interface Kept {
  readonly schema: FrameSchema | null;
  readonly untilMs: number;
}

/**
 * What a registry holds under the numbers that frames name, as far as it has told. Asking goes on beside the reading of
 * records, which never waits for it: what a record becomes does not depend on it (docs/adr/0035).
 */
export class SchemaNumbers {
  readonly #config: SchemaRegistryConfig;
  readonly #log: Logger;
  readonly #known = new Map<number, Kept>();
  readonly #asked = new Map<number, Promise<void>>();
  readonly #words = new RepeatedWords();
  #failures = 0;
  #notBeforeMs = 0;
  #said = 0;

  constructor(config: SchemaRegistryConfig, log: Logger) {
    this.#config = config;
    this.#log = log;
  }

  /** Null: the registry has no such schema; undefined: it has not told yet, and is asked. Never waits. */
  readonly schemaOf = (id: number): FrameSchema | null | undefined => {
    const kept = this.#known.get(id);
    if (kept === undefined || kept.untilMs < performance.now()) void this.#ask(id);
    return kept?.schema;
  };

  /** The same of what was told already; asks nothing. */
  known(id: number): FrameSchema | null | undefined {
    return this.#known.get(id)?.schema;
  }

  /** For who can wait: asks for these numbers and returns once all are answered, or the registry failed. */
  async learn(ids: Iterable<number>): Promise<void> {
    for (const id of ids) {
      if (!this.#known.has(id)) await this.#ask(id);
    }
  }

  #ask(id: number): Promise<void> {
    const asked = this.#asked.get(id);
    if (asked !== undefined) return asked;
    if (this.#asked.size >= ASKED_AT_ONCE_MAX || performance.now() < this.#notBeforeMs)
      return Promise.resolve();
    const asking = this.#askNow(id).finally(() => this.#asked.delete(id));
    this.#asked.set(id, asking);
    return asking;
  }

  async #askNow(id: number): Promise<void> {
    const nowMs = performance.now();
    try {
      const schema = await askSchema(this.#config, id);
      this.#failures = 0;
      if (this.#words.end('registry')) this.#log.info('the schema registry answers again');
      this.#keep(id, schema);
    } catch (error) {
      this.#failures += 1;
      this.#notBeforeMs = nowMs + backoffMs(this.#failures, PAUSE_FIRST_MS, PAUSE_LAST_MS);
      const { message } = error as Error;
      if (this.#words.isDue('registry', message, nowMs))
        this.#log.warn(
          `the schema registry (SCHEMA_REGISTRY_URL) tells nothing: ${message}; values in Confluent's framing are read by their shape alone, and counted as before`,
        );
    }
  }

  #keep(id: number, schema: FrameSchema | null): void {
    if (this.#known.size >= KNOWN_MAX) {
      const [oldest] = this.#known.keys();
      if (oldest !== undefined) this.#known.delete(oldest);
    }
    const isNew = !this.#known.has(id);
    this.#known.set(id, {
      schema,
      untilMs: schema === null ? performance.now() + MISSING_KEPT_MS : Infinity,
    });
    if (isNew && this.#said < SAID_MAX) {
      this.#said += 1;
      this.#say(id, schema);
    }
  }

  #say(id: number, schema: FrameSchema | null): void {
    const named = { schema_id: id, type: schema?.type ?? null, subject: schema?.subject ?? null };
    if (schema === null)
      this.#log.warn(
        named,
        'values are framed with a schema number that the registry does not have; events among them are counted by their shape',
      );
    else if (schema.type === 'JSON')
      this.#log.info(named, 'values are framed with this JSON schema');
    else
      this.#log.warn(named, 'values are framed with a schema that is not JSON: only JSON is read');
  }
}
