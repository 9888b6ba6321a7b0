import {
  compareVersions,
  promote,
  readPromotion,
  readTakenOver,
  rollback,
  type Promotion,
  type TakenOver,
  takenOverText,
} from '@adtally/analytics';
import { command, EXIT, JSON_OPTION, operand, required, wholeNumber } from '@adtally/command-line';
import {
  operatorOf,
  orderOf,
  onDatabase,
  ACTING_OPTIONS,
  type CommandContext,
  DRY,
  type RunnerEnvironment,
} from '../context.ts';
import { takenOverJson } from '../describe.ts';

const VERSION = wholeNumber(1, 1_000_000);

export const promoteVersion = command({
  description: 'In one transaction; what readers saw before can be had back by rollback.',
  options: { version: required(VERSION, 'which version'), ...ACTING_OPTIONS },
  run: async ({ options }, environment: RunnerEnvironment) => {
    const order = orderOf(options);
    const { version } = options;
    return await onDatabase(environment, options.json, async ({ db, config, print }) => {
      if (order === null) {
        const shown = await readPromotion(db);
        print(
          { dry: true, ...promotionJson(shown), would_promote: version },
          `readers see version ${shown?.version ?? 'none'}; this would show them ${version}\n${DRY}`,
        );
        return EXIT.success;
      }
      const promotion = await promote(db, version, operatorOf(order, config));
      tell(
        print,
        promotion,
        (await readTakenOver(db)).filter((one) => one.version === version),
      );
      return EXIT.success;
    });
  },
});

export const rollbackVersion = command({
  options: ACTING_OPTIONS,
  run: async ({ options }, environment: RunnerEnvironment) => {
    const order = orderOf(options);
    return await onDatabase(environment, options.json, async ({ db, config, print }) => {
      if (order === null) {
        const shown = await readPromotion(db);
        print(
          { dry: true, ...promotionJson(shown) },
          `readers see version ${shown?.version ?? 'none'}, before it ${shown?.previousVersion ?? 'none'}\n${DRY}`,
        );
        return EXIT.success;
      }
      tell(print, await rollback(db, operatorOf(order, config)));
      return EXIT.success;
    });
  },
});

export const compare = command({
  operands: { left: operand(VERSION, 'a version'), right: operand(VERSION, 'another') },
  options: JSON_OPTION,
  run: async ({ operands: { left, right }, options }, environment: RunnerEnvironment) =>
    await onDatabase(environment, options.json, async (context) => {
      await tellDifferences(left, right, context);
      return EXIT.success;
    }),
});

async function tellDifferences(
  left: number,
  right: number,
  { db, print }: CommandContext,
): Promise<void> {
  const differences = await compareVersions(db, left, right);
  const notCompared = (await readTakenOver(db)).filter(
    ({ version }) => version === left || version === right,
  );
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
      not_compared: notCompared.map(takenOverJson),
    },
    [
      ...(rows.length === 0 ? [`versions ${left} and ${right} do not differ`] : rows),
      ...notCompared.map((one) => `not compared: ${takenOverText(one)}`),
    ].join('\n'),
  );
}

function promotionJson(promotion: Promotion | null): object {
  return {
    promoted: promotion?.version ?? null,
    previous: promotion?.previousVersion ?? null,
  };
}

function tell(
  print: (json: object, text: string) => void,
  promotion: Promotion,
  takenOver: readonly TakenOver[] = [],
): void {
  print(
    { ...promotionJson(promotion), taken_over: takenOver.map(takenOverJson) },
    [`readers see version ${promotion.version} now`, ...takenOver.map(takenOverText)].join('\n'),
  );
}
