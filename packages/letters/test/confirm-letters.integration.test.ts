import { insertSource } from '@adtally/db';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { confirmLetters } from '../src/life/confirm-letters.ts';
import { copyLetters } from '../src/life/copy-letters.ts';
import { APPENDED_MS, copiesOf, CountedTopic, lettersCopied, type Copy } from './copy-fixture.ts';
import { LetterStage } from './letter-stage.ts';

let stage: LetterStage;
let dlq: { sourceId: number; lane: number };
let counted: CountedTopic;
let topics = 0;
beforeAll(async () => {
  stage = await LetterStage.open();
  const source = { kind: 'dlq', topic: 'dlq', topicId: 'dlq-id', partition: 3 } as const;
  dlq = { sourceId: await insertSource(stage.db, source, 0n), lane: 3 };
});
afterEach(() => stage.clear());
afterAll(() => stage.close());

/** Copies of records that the source has not reached: at 5 unless the test says else. */
async function copiedAhead(...copies: readonly Partial<Copy>[]): Promise<void> {
  topics += 1;
  counted = await CountedTopic.open(stage.db, stage.session, `events-${topics}`);
  const letters = copiesOf(
    dlq,
    copies.map((copy) => ({ topic: counted.topic, offset: 5, ...copy })),
  );
  await copyLetters(stage.session, letters);
}

const NOTHING = { confirmed: 0, orphans: 0 };

test('I6: a copy whose reference came is a letter, due at once, with the code and the time of the reference', async () => {
  await copiedAhead({ code: 'future' });
  expect(await confirmLetters(stage.session)).toEqual(NOTHING);
  await counted.pass(stage.session, 10, [5]);
  expect(await confirmLetters(stage.session)).toEqual({ confirmed: 1, orphans: 0 });
  expect(await lettersCopied(stage.db)).toMatchObject([
    {
      state: 'pending',
      code: 'wrong_type',
      last_code: 'wrong_type',
      append_ms: APPENDED_MS + 5,
      is_due: true,
      is_settled: false,
    },
  ]);
  expect(await confirmLetters(stage.session)).toEqual(NOTHING);
});

test('a copy that the cursor passed without a reference to its very bytes is an orphan for good', async () => {
  await copiedAhead({ offset: 4, code: 'future' }, { value: 'forged' }, {});
  await counted.pass(stage.session, 10, [5]);
  expect(await confirmLetters(stage.session)).toEqual({ confirmed: 1, orphans: 2 });
  const orphan = { state: 'orphan', append_ms: null, is_due: false, is_settled: true };
  expect(await lettersCopied(stage.db)).toMatchObject([
    { ...orphan, code: 'future' },
    orphan,
    { state: 'pending' },
  ]);
});

test('a copy waits until the cursor is past it', async () => {
  await copiedAhead({ offset: 4 }, {});
  await counted.pass(stage.session, 5);
  expect(await confirmLetters(stage.session)).toEqual({ confirmed: 0, orphans: 1 });
  expect(await lettersCopied(stage.db)).toMatchObject([
    { state: 'orphan' },
    { state: 'unconfirmed' },
  ]);
});

test('of a source that was closed nothing is waited for', async () => {
  await copiedAhead({ offset: 1_000_000 });
  await counted.close(stage.db);
  expect(await confirmLetters(stage.session)).toEqual({ confirmed: 0, orphans: 1 });
});

test('a commit of reference and cursor that ends while copies are decided is seen as a whole or not at all', async () => {
  await copiedAhead({});
  const writer = await stage.openSession();
  const decided = await stage.pausedAtSnapshot(confirmLetters, () => counted.pass(writer, 10, [5]));
  expect(decided).toEqual(NOTHING);
  expect(await lettersCopied(stage.db)).toMatchObject([{ state: 'unconfirmed' }]);
  expect(await confirmLetters(stage.session)).toEqual({ confirmed: 1, orphans: 0 });
});

test('no copy is orphaned just before its reference, however commits and decisions meet', async () => {
  const offsets = Array.from({ length: 40 }, (_, offset) => offset);
  await copiedAhead(...offsets.map((offset) => ({ offset })));
  const writer = await stage.openSession();
  const totals = { confirmed: 0, orphans: 0 };
  const decide = async () => {
    const { confirmed, orphans } = await confirmLetters(stage.session);
    totals.confirmed += confirmed;
    totals.orphans += orphans;
  };
  for (const offset of offsets) {
    const passing = counted.pass(writer, offset + 1, [offset]);
    for (let decisions = 0; decisions < 3; decisions += 1) await decide();
    await passing;
  }
  await decide();
  expect(totals).toEqual({ confirmed: 40, orphans: 0 });
});

test('of two processes that decide at once one does, and the other does not wait for it', async () => {
  await copiedAhead({});
  await counted.pass(stage.session, 10, [5]);
  const other = await stage.openSession();
  await other.query('BEGIN');
  expect(await confirmLetters(other)).toEqual({ confirmed: 1, orphans: 0 });
  expect(await confirmLetters(stage.session)).toEqual(NOTHING);
  await other.query('ROLLBACK');
  expect(await confirmLetters(stage.session)).toEqual({ confirmed: 1, orphans: 0 });
});
