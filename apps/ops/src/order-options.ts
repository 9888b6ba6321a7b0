import { flag, option, required, text, UsageError, wholeNumber } from '@adtally/command-line';
import type { Operator } from '@adtally/db';
import type { OpsConfig } from './env.ts';

const REASON = text('TEXT');
const ACTOR = option(text('NAME'), 'who; by default ADTALLY_ACTOR, else the user of the system');

/** Who and why, of a command that always changes something. */
export const SIGNATURE_OPTIONS = {
  reason: required(REASON, 'why; kept for good'),
  actor: ACTOR,
} as const;

/** Who and why, of a command that may only look. */
export const OPTIONAL_SIGNATURE_OPTIONS = {
  reason: option(REASON, 'why; kept for good'),
  actor: ACTOR,
} as const;

/** Options of commands that only say what would come of it, unless they are told to do it. */
export const EXECUTE_OPTIONS = {
  execute: flag('do it; needs --reason. Without it nothing changes'),
  'dry-run': flag('only say what would come of it, as without --execute'),
  ...OPTIONAL_SIGNATURE_OPTIONS,
} as const;

/** The same of commands that change many letters. */
export const ORDER_OPTIONS = {
  ...EXECUTE_OPTIONS,
  confirm: option(
    wholeNumber(0, Number.MAX_SAFE_INTEGER),
    'the number of letters meant; needed above 1,000 and right where given',
  ),
} as const;

interface Signature {
  readonly reason: string;
  readonly actor: string | undefined;
}

/** An order that is to be carried out; `null` where only a look was asked for. */
export interface Order extends Signature {
  readonly confirm: number | undefined;
}

/** Reads the options of an order. @throws UsageError */
export function readOrder(options: {
  readonly execute: boolean;
  readonly 'dry-run': boolean;
  readonly reason: string | undefined;
  readonly actor: string | undefined;
  readonly confirm?: number | undefined;
}): Order | null {
  if (options.execute && options['dry-run']) {
    throw new UsageError('--execute and --dry-run exclude each other');
  }
  if (!options.execute) return null;
  return { ...readSignature(options), confirm: options.confirm };
}

/** Who and why. @throws UsageError where no reason is given */
export function readSignature({
  reason,
  actor,
}: {
  readonly reason: string | undefined;
  readonly actor: string | undefined;
}): Signature {
  if (reason === undefined) throw new UsageError('--reason TEXT is required: it is kept for good');
  return { reason, actor };
}

/** Who signs: `--actor`, else ADTALLY_ACTOR, else the user of the system. */
export function operatorOf(
  { reason, actor }: Signature,
  config: Pick<OpsConfig, 'actor'>,
): Operator {
  return { reason, actor: actor ?? config.actor };
}
