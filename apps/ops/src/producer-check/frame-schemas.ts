import { DEFAULT_DECODE_LIMITS, type FrameSchema } from '@adtally/event-schema';
import { SchemaNumbers } from '@adtally/schema-registry';
import { createLogger } from '@adtally/telemetry';
import type { ProducerCheckConfig } from './env.ts';
import type { SampleRules } from './sample-tally.ts';

/** Garbage may name a new one in each record. */
const ASKED_MAX = 32;

/** Reads a sample, and once more where a registry can say more of what was met. */
export async function readWithSchemas<T>(
  config: ProducerCheckConfig,
  rules: SampleRules['readBy'],
  read: (rules: SampleRules['readBy']) => Promise<T>,
): Promise<T> {
  if (config.schemaRegistryUrl === '') return await read(rules);
  const schemas = new FrameSchemas(config);
  const { limits = DEFAULT_DECODE_LIMITS } = rules;
  const told = { ...rules, limits: { ...limits, schemaOf: schemas.schemaOf } };
  const first = await read(told);
  return (await schemas.learn()) ? await read(told) : first;
}

/** The schemas that the frames of a sample name: met in a first reading, asked for, and told in a second. */
class FrameSchemas {
  readonly #numbers: SchemaNumbers;
  readonly #met = new Set<number>();
  #areLearnt = false;

  constructor(config: ProducerCheckConfig) {
    this.#numbers = new SchemaNumbers(config, createLogger({ service: 'ops', level: 'silent' }));
  }

  readonly schemaOf = (id: number): FrameSchema | null | undefined => {
    if (this.#areLearnt) return this.#numbers.known(id);
    if (this.#met.size < ASKED_MAX) this.#met.add(id);
    return undefined;
  };

  /** @returns whether there is anything to tell now that was not told before */
  async learn(): Promise<boolean> {
    await this.#numbers.learn(this.#met);
    this.#areLearnt = true;
    return [...this.#met].some((id) => this.#numbers.known(id) !== undefined);
  }
}
