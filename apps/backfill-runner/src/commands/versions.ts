import {
  compareVersions,
  promote,
  readPromotion,
  rollback,
  type Promotion,
} from '@adtally/analytics';
import { parseCommand, required, UsageError, wholeNumber } from '../args.ts';
import { operatorOf, ACTING_OPTIONS, type Command, COMMON_OPTIONS, DRY } from '../context.ts';
import { EXIT } from '../exit-codes.ts';

const VERSION_MAX = 1_000_000;

/** `promote`: shows a version to readers, in one transaction. */
export const promoteVersion: Command = async (args, { db, config, print }) => {
  const { values } = parseCommand(args, { ...ACTING_OPTIONS, version: { type: 'string' } });
  const version = wholeNumber('--version', required('--version', values.version), 1, VERSION_MAX);
  if (!values.execute) {
    const shown = await readPromotion(db);
    print(
      { dry: true, ...promotionJson(shown), would_promote: version },
      `readers see version ${shown?.version ?? 'none'}; this would show them ${version}\n${DRY}`,
    );
    return EXIT.done;
  }
  tell(print, await promote(db, version, operatorOf(values, config)));
  return EXIT.done;
};

/** `rollback`: shows the version before again, in one transaction. */
export const rollbackVersion: Command = async (args, { db, config, print }) => {
  const { values } = parseCommand(args, ACTING_OPTIONS);
  if (!values.execute) {
    const shown = await readPromotion(db);
    print(
      { dry: true, ...promotionJson(shown) },
      `readers see version ${shown?.version ?? 'none'}, before it ${shown?.previousVersion ?? 'none'}\n${DRY}`,
    );
    return EXIT.done;
  }
  tell(print, await rollback(db, operatorOf(values, config)));
  return EXIT.done;
};

/** `compare`: where two versions differ, by campaign. Changes nothing. */
export const compare: Command = async (args, { db, print }) => {
  const { positionals } = parseCommand(args, COMMON_OPTIONS);
  if (positionals.length !== 2) throw new UsageError('name two versions');
  const [left = 0, right = 0] = positionals.map((text) =>
    wholeNumber('a version', text, 1, VERSION_MAX),
  );
  const differences = await compareVersions(db, left, right);
  const rows = differences.map(
    (one) =>
      `${one.campaignId} ${one.currency} ${one.measure}: ${one.left} -> ${one.right} (${one.right - one.left})`,
  );
  print(
    {
      left,
      right,
      differences: differences.map((one) => ({
        campaign_id: one.campaignId,
        currency: one.currency,
        measure: one.measure,
        left: String(one.left),
        right: String(one.right),
      })),
    },
    rows.length === 0 ? `versions ${left} and ${right} do not differ` : rows.join('\n'),
  );
  return EXIT.done;
};

function promotionJson(promotion: Promotion | null): object {
  return {
    promoted: promotion?.version ?? null,
    previous: promotion?.previousVersion ?? null,
  };
}

function tell(print: (json: object, text: string) => void, promotion: Promotion): void {
  print(promotionJson(promotion), `readers see version ${promotion.version} now`);
}
