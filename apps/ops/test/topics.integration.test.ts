import { EXIT } from '@adtally/command-line';
import { insertSource } from '@adtally/db';
import { expect, test } from 'vitest';
import { opsStage } from './support/ops.ts';

const WHY = ['--reason', 'a test'];

test('rules are set by name, signed, and listed; what is so already changes nothing', async () => {
  const { db, ops, json } = await opsStage();
  expect(await ops('topics')).toMatchObject({ code: 0, stdout: '' });
  const set = ['topics', 'set', 'ads', '--value-format', 'auto', '--future-tolerance', '72h'];
  expect(await ops(...set, ...WHY)).toMatchObject({
    code: 0,
    stderr: expect.stringContaining('ads is not counted yet'),
  });
  expect(await json(...set, ...WHY)).toMatchObject({ code: 0, result: { executed: false } });
  const { stdout } = await ops('topics');
  expect(stdout.split('\n')[1]).toMatch(/^ads +auto +no +3 d/);
  expect(await json('topics')).toMatchObject({
    result: {
      topics: [
        {
          topic: 'ads',
          value_format: 'auto',
          amounts_as_strings: false,
          future_tolerance_seconds: 259_200,
        },
      ],
    },
  });
  const actions = await db.selectFrom('operator_actions').selectAll().execute();
  expect(actions).toMatchObject([{ actor: 'ann', action: 'set-topic-rules', reason: 'a test' }]);
});

test('the rules of a topic whose records are no events are refused with a reason', async () => {
  const { db, ops } = await opsStage();
  await insertSource(db, { kind: 'dlq', topic: 'ads.dlq', topicId: 'first', partition: 0 }, 0n);
  const set = ['topics', 'set', 'ads.dlq', '--value-format', 'auto', ...WHY];
  expect(await ops(...set)).toMatchObject({
    code: EXIT.refused,
    stderr: expect.stringContaining('topic ads.dlq is counted as dlq'),
  });
});

test.each([
  [['topics', 'set', 'ads', ...WHY], 'no rule is named to change'],
  [['topics', 'set', 'ads', '--value-format', 'auto'], '--reason'],
  [['topics', 'set', 'ads', '--value-format', 'avro', ...WHY], 'one of plain, auto'],
  [['topics', 'set', 'ads', '--future-tolerance', '500ms', ...WHY], 'whole seconds'],
  [['topics', 'set', 'ads', '--future-tolerance', '4000d', ...WHY], 'ten years at most'],
])('%j is refused with 2 and says why', async (argv, said) => {
  const { ops } = await opsStage();
  expect(await ops(...argv)).toMatchObject({ code: 2, stderr: expect.stringContaining(said) });
});
