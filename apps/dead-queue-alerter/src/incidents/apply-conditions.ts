import {
  insertIncident,
  openIncidents,
  serverNowMs,
  updateIncident,
  type Incident,
} from '@adtally/alerting';
import type { DatabaseExecutor } from '@adtally/db';
import { plain } from '../plain-text.ts';
import { readConditions, type AlertConditions, type Condition } from './conditions.ts';
import type { Message } from './message.ts';
import type { AlertSettings } from './settings.ts';
import { tell } from './tell.ts';

const SUMMARY_MAX = 250;

/**
 * Brings incidents in line with what is so in the database: each look compares the two, so nobody has to be alive
 * when a partition halts, and one who dies between two looks loses nothing.
 */
export class ConditionAlerts {
  /** Since when an open incident has had no cause; not kept: a new term waits once more. */
  readonly #quietSinceMs = new Map<bigint, number>();

  /** Opens, updates and resolves, in the transaction; returns what people will be told. */
  async apply(trx: DatabaseExecutor, settings: AlertSettings): Promise<Message[]> {
    const nowMs = await serverNowMs(trx);
    const stuckQuietMs = settings.rule.resolveMs;
    const told: Message[] = [];
    for (const found of await readConditions(trx, { nowMs, stuckQuietMs })) {
      told.push(...(await this.#applyAlert(trx, settings, found, nowMs)));
    }
    return told;
  }

  async #applyAlert(
    trx: DatabaseExecutor,
    settings: AlertSettings,
    { alert, conditions, isKnown, quietMs }: AlertConditions,
    nowMs: number,
  ): Promise<Message[]> {
    const told: Message[] = [];
    const open = new Map((await openIncidents(trx, alert)).map((one) => [one.key, one]));
    for (const condition of conditions) {
      const incident = open.get(condition.key);
      open.delete(condition.key);
      if (incident === undefined) {
        const { incidentId } = await insertIncident(trx, { alert, ...columns(condition) });
        told.push(await tell(trx, incidentId, 'firing', settings));
      } else {
        this.#quietSinceMs.delete(incident.incidentId);
        await noteNews(trx, incident, condition);
      }
    }
    // What is left has no cause any more.
    for (const { incidentId } of isKnown ? open.values() : []) {
      const sinceMs = this.#quietSinceMs.get(incidentId) ?? nowMs;
      this.#quietSinceMs.set(incidentId, sinceMs);
      if (nowMs - sinceMs < quietMs) continue;
      this.#quietSinceMs.delete(incidentId);
      await updateIncident(trx, incidentId, { endsAt: new Date(sinceMs) });
      told.push(await tell(trx, incidentId, 'resolved', settings));
    }
    return told;
  }
}

async function noteNews(
  trx: DatabaseExecutor,
  incident: Incident,
  condition: Condition,
): Promise<void> {
  const { summary, detail } = columns(condition);
  if (incident.summary === summary) return;
  await updateIncident(trx, incident.incidentId, { summary, detail, hasNews: true });
}

function columns({ key, sinceMs, summary, detail }: Condition) {
  return { key, startsAt: new Date(sinceMs), summary: plain(summary, SUMMARY_MAX), detail };
}
