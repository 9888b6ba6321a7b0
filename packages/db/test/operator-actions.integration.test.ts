import { expect, test } from 'vitest';
import { recordAction } from '../src/operator-actions.ts';
import { migratedDatabase } from '../testing/index.ts';

const BY = { actor: 'ann', reason: 'a test' };

test('what an operator does is noted with its number, by whom and why', async () => {
  await using database = await migratedDatabase();
  const { db } = database;
  const first = await recordAction(db, BY, 'look', { letter: 1 });
  const second = await recordAction(db, { ...BY, actor: 'bob' }, 'look', {});
  const actions = await db
    .selectFrom('operator_actions')
    .select(['action_id', 'actor', 'action', 'reason', 'detail', 'source_id'])
    .orderBy('action_id')
    .execute();
  const note = { action: 'look', reason: 'a test', source_id: null };
  expect(actions).toEqual([
    { ...note, action_id: first, actor: 'ann', detail: { letter: 1 } },
    { ...note, action_id: second, actor: 'bob', detail: {} },
  ]);
});

test.each([{ actor: ' ' }, { reason: '\n' }])('nothing is noted without %o', async (blank) => {
  await using database = await migratedDatabase();
  const { db } = database;
  const noted = recordAction(db, { ...BY, ...blank }, 'look', {});
  await expect(noted).rejects.toThrow('look needs an actor and a reason');
  expect(await db.selectFrom('operator_actions').selectAll().execute()).toEqual([]);
});
