import type { ConflictFilter } from '@adtally/analytics';
import type { ValueType } from '@adtally/command-line';

const INT4_MAX = 2_147_483_647;
const INT8_MAX = 2n ** 63n - 1n;
const NAME =
  /^(?:(?<topic>[\w.-]+)\/(?<partition>\d{1,10})|(?<source>\d{1,10}))@(?<offset>\d{1,19})$/;

/** Which conflict: where its record lies, or its source and offset, which also tells apart topics that were made again. */
export type ConflictName = Pick<ConflictFilter, 'topic' | 'partition' | 'sourceId'> & {
  readonly offset: bigint;
};

export const conflictName: ValueType<ConflictName> = {
  placeholder: 'CONFLICT',
  allowed: 'TOPIC/PARTITION@OFFSET or SOURCE@OFFSET, as conflicts list prints it',
  hint: 'TOPIC/PARTITION@OFFSET or SOURCE@OFFSET',
  parse: (given) => {
    const { topic, partition, source, offset = '' } = NAME.exec(given)?.groups ?? {};
    if (offset === '' || BigInt(offset) > INT8_MAX) return undefined;
    if (Number(partition ?? source) > INT4_MAX) return undefined;
    return topic === undefined
      ? { sourceId: Number(source), offset: BigInt(offset) }
      : { topic, partition: Number(partition), offset: BigInt(offset) };
  },
};

/** Micros with their sign. */
export const signedMicros: ValueType<bigint> = {
  placeholder: 'N',
  allowed: 'a whole number of micros but 0, negative to take away',
  hint: 'negative takes away',
  parse: (given) => {
    if (!/^-?\d{1,19}$/.test(given)) return undefined;
    const micros = BigInt(given);
    return micros === 0n || micros > INT8_MAX || micros < -INT8_MAX ? undefined : micros;
  },
};

export const currency: ValueType<string> = {
  placeholder: 'CURRENCY',
  allowed: 'three capital letters',
  hint: 'three capital letters',
  parse: (given) => (/^[A-Z]{3}$/.test(given) ? given : undefined),
};
