import { randomUUID } from 'node:crypto';
import {
  claimToFrontier,
  ensureSomeVersion,
  raiseFrontier,
  readDefinitions,
  takeNextBase,
} from '@adtally/analytics';
import { insertSource, type Database } from '@adtally/db';
import { type OpsStage, opsStage } from './ops.ts';

/** When the tests' impressions are born: in the night in which Berlin's clocks go forward. */
export const BORN_MS = Date.UTC(2026, 2, 28, 23, 30);

export interface StoredEvent {
  readonly type: 'impression' | 'click' | 'conversion';
  /** Which impression, born at BORN_MS. */
  readonly n: number;
  readonly at: string;
  readonly amount: bigint;
  readonly currency?: string;
  readonly campaign?: string;
  readonly bornMs?: number;
}

/** A database with events of a topic, whose rollups are kept by hand. */
export interface FiguresStage extends OpsStage {
  readonly sourceId: number;
  /** Stores events under the next offsets, and returns their keys. */
  store(events: readonly StoredEvent[]): Promise<string[]>;
  /** Sums up what was born before then. */
  sumUp(beforeMs: number): Promise<void>;
}

export function impressionId(n: number, bornMs = BORN_MS): string {
  const time = bornMs.toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${n.toString(16).padStart(12, '0')}`;
}

export async function figuresStage(): Promise<FiguresStage> {
  const stage = await opsStage();
  const { db } = stage;
  const source = { kind: 'events', topic: 'ads', topicId: 'id', partition: 3 } as const;
  // Counted up to here: whatever is stored below is what ingest left behind it.
  const sourceId = await insertSource(db, source, 1_000n);
  let next = 0n;
  return {
    ...stage,
    sourceId,
    async store(events) {
      const keys: string[] = [];
      for (const one of events) {
        keys.push(await insertEvent(db, sourceId, next, one));
        next += 1n;
      }
      return keys;
    },
    async sumUp(beforeMs) {
      await ensureSomeVersion(db);
      await raiseFrontier(db, beforeMs);
      for (const definition of await readDefinitions(db)) {
        await claimToFrontier(db, definition.version, beforeMs, { maxBases: 9, baseRows: 100 });
        while ((await takeNextBase(db, definition, 'untaken')) !== null);
      }
    },
  };
}

async function insertEvent(
  db: Database,
  sourceId: number,
  offset: bigint,
  { type, n, at, amount, currency = 'EUR', campaign = 'c-7', bornMs }: StoredEvent,
): Promise<string> {
  const key = randomUUID();
  await db
    .insertInto('events')
    .values({
      occurred_at: new Date(at),
      amount_micros: amount,
      source_offset: offset,
      source_id: sourceId,
      event_type: type,
      impression_id: impressionId(n, bornMs),
      event_key: key,
      click_id: type === 'click' ? key : null,
      currency,
      campaign_id: campaign,
      creative_id: 'cr-1',
      placement_id: 'p-1',
      conversion_id: type === 'conversion' ? `order-${offset}` : null,
    })
    .execute();
  return key;
}
