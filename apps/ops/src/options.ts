import { UsageError, wholeNumberOf } from '@adtally/command-line';
import type { Operator } from '@adtally/db';
import type { OpsConfig } from './env.ts';

/** Options of commands that change something. */
export const ORDER_OPTIONS = {
  execute: { type: 'boolean', default: false },
  'dry-run': { type: 'boolean', default: false },
  reason: { type: 'string' },
  actor: { type: 'string' },
  confirm: { type: 'string' },
} as const;

interface OrderValues {
  readonly execute: boolean;
  readonly 'dry-run': boolean;
  readonly reason?: string | undefined;
  readonly actor?: string | undefined;
  readonly confirm?: string | undefined;
}

/** An order that is to be carried out; `null` where only a look was asked for. */
export interface Order {
  readonly reason: string;
  readonly actor: string | undefined;
  readonly confirm: number | undefined;
}

/** Reads the options of an order. @throws UsageError */
export function readOrder(values: OrderValues): Order | null {
  if (values.execute && values['dry-run']) {
    throw new UsageError('--execute and --dry-run exclude each other');
  }
  const confirm =
    values.confirm === undefined
      ? undefined
      : wholeNumberOf('confirm', values.confirm, 0, Number.MAX_SAFE_INTEGER);
  if (!values.execute) return null;
  return { ...readReason(values), confirm };
}

/** Reads who and why. @throws UsageError where no reason is given */
export function readReason(values: {
  readonly reason?: string | undefined;
  readonly actor?: string | undefined;
}): { reason: string; actor: string | undefined } {
  const reason = values.reason?.trim() ?? '';
  if (reason === '') throw new UsageError('--reason TEXT is required: it is kept for good');
  const actor = values.actor?.trim();
  if (actor === '') throw new UsageError('--actor must name somebody');
  return { reason, actor };
}

/** Who signs: `--actor`, else ADTALLY_ACTOR, else the user of the system. */
export function operatorOf(
  { reason, actor }: { readonly reason: string; readonly actor: string | undefined },
  config: OpsConfig,
): Operator {
  return { reason, actor: actor ?? config.actor };
}

/** The one argument of a command that takes just one. @throws UsageError */
export function oneId(what: string, positionals: readonly string[]): string {
  const [id, ...rest] = positionals;
  if (id === undefined) throw new UsageError(`which ${what}? Give its number`);
  if (rest.length > 0) throw new UsageError(`unexpected "${rest.join(' ')}"`);
  return readId(what, id);
}

const ID_MAX = 2n ** 63n - 1n;

/** A number the database gave. @throws UsageError */
export function readId(what: string, text: string): string {
  if (!/^\d{1,19}$/.test(text) || BigInt(text) > ID_MAX) {
    throw new UsageError(`"${text}" is no number of a ${what}`);
  }
  return BigInt(text).toString();
}
