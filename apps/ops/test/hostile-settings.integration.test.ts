import { setHostileSettings } from '@adtally/db/testing';
import { garbage, shown } from '@adtally/pipeline/testing';
import { expect, test } from 'vitest';
import { keepLetters } from './support/letters.ts';
import { opsStage } from './support/ops.ts';

/** A second may pass between two answers. */
const AGE = /"age_seconds":\d+/g;

test.each(['database', 'role'] as const)(
  'every command answers alike, whatever the owner set for the %s',
  async (of) => {
    const { db, databaseUrl, ops } = await opsStage();
    const [id = ''] = await keepLetters(db, [shown(1), garbage('one')]);
    const commands = [
      ['dead-letters', 'list', '--json'],
      ['dead-letters', 'show', id, '--json'],
      ['redrive', '--json'],
      ['incidents', 'list', '--json'],
    ];
    const answers = async () => {
      const outcomes = [];
      for (const argv of commands) {
        const { code, stdout, stderr } = await ops(...argv);
        outcomes.push({ code, stderr, stdout: stdout.replaceAll(AGE, '') });
      }
      return outcomes;
    };
    const expected = await answers();
    expect(expected.map(({ code }) => code)).toEqual(commands.map(() => 0));
    await setHostileSettings(databaseUrl, of);
    expect(await answers()).toEqual(expected);
  },
);
