import { recordAction } from '@adtally/db';
import { migratedDatabase } from '@adtally/db/testing';
import { createMetrics } from '@adtally/telemetry';
import { expect, onTestFinished, test } from 'vitest';
import { lossFigures } from '../src/figures/losses.ts';
import { SYSTEM_METRICS } from '../src/index.ts';

const SIGNED = { actor: 'ann', reason: 'retention' };

test('what operators accepted as lost is summed up', async () => {
  await using database = await migratedDatabase();
  const { db } = database;
  const metrics = createMetrics({ service: 'test', version: '0', definitions: SYSTEM_METRICS });
  onTestFinished(() => metrics.shutdown());
  const told = async () => {
    await lossFigures.tell(db, metrics);
    return /^adtally_lost_offsets (.+)$/m.exec(await metrics.render())?.[1];
  };
  expect(await told()).toBe('0');
  await recordAction(db, SIGNED, 'accept-loss', { lost: 40, first_offset: 2, end_offset: 42 });
  await recordAction(db, SIGNED, 'accept-loss', { lost: 2, successor: 7 });
  await recordAction(db, SIGNED, 'discard', { letters: 7 });
  expect(await told()).toBe('42');
});
