import { incidentsToTell, pruneArrivals, pruneNotifications } from '@adtally/alerting';
import { type Database } from '@adtally/db';
import { pause } from '@adtally/pacing';
import type { Logger } from '@adtally/telemetry';
import type { Bell } from '../bell.ts';
import { announce } from './announce.ts';
import { ConditionAlerts } from './apply-conditions.ts';
import { applyRequests } from './apply-requests.ts';
import type { Message } from './message.ts';
import type { AlertSettings } from './settings.ts';
import { tell } from './tell.ts';

export interface HousekeepingParts {
  readonly session: Database;
  readonly settings: AlertSettings;
  readonly bell: Bell;
  readonly log: Logger;
}

const EVERY_MS = 1_000;
/** Halts, stuck partitions and audits are looked at every so many turns. */
const CONDITIONS_EVERY = 3;
const PRUNE_EVERY_MS = 30_000;
/** As fast as letters may come, in steps that let others in between. */
const PRUNE_ROUNDS_MAX = 50;
const OUTBOX_MEMORY_MS = 30 * 24 * 3_600_000;

/**
 * What goes by the server's clock and needs no broker: requests of others, what the database knows of halts, stuck
 * partitions and audits, updates, reminders, pruning.
 */
export async function keepHouse(parts: HousekeepingParts, signal: AbortSignal): Promise<void> {
  const { session, settings, bell, log } = parts;
  let prunedMs = performance.now();
  const conditions = new ConditionAlerts();
  for (let turn = 0; !signal.aborted; turn += 1) {
    const told = await session.transaction().execute(async (trx) => {
      const requested = await applyRequests(trx, settings);
      if (turn % CONDITIONS_EVERY === 0) requested.push(...(await conditions.apply(trx, settings)));
      const due: Message[] = [];
      for (const incident of await incidentsToTell(trx, settings.updateMs, settings.repeatMs)) {
        const kind = incident.hasNews ? 'update' : 'repeat';
        due.push(await tell(trx, incident.incidentId, kind, settings));
      }
      return [...requested, ...due];
    });
    announce(told, log);
    if (told.length > 0) bell.ring();
    if (performance.now() - prunedMs > PRUNE_EVERY_MS) {
      prunedMs = performance.now();
      for (let round = 0, pruned = 1; pruned > 0 && round < PRUNE_ROUNDS_MAX; round += 1) {
        pruned = await pruneArrivals(session, settings.topic, settings.copyMemoryMs);
      }
      await pruneNotifications(session, OUTBOX_MEMORY_MS);
    }
    await pause(EVERY_MS, signal);
  }
}
