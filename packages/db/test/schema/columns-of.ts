import type { Schema } from '../../src/schema.ts';

/** Every column of these tables as the types have them, no more and no less: the compiler refuses else. */
export type ColumnsOf<Tables extends keyof Schema> = {
  readonly [T in Tables]: Readonly<Record<keyof Schema[T], 1>>;
};
