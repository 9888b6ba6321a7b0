import type { DatabaseExecutor } from './database.ts';

/**
 * Those of the keys whose latest request for this alert is `firing`: nobody has asked for its end yet.
 */
export async function firingKeys(
  db: DatabaseExecutor,
  alert: string,
  keys: readonly string[],
): Promise<string[]> {
  if (keys.length === 0) return [];
  const latest = await db
    .selectFrom('notification_requests')
    .distinctOn('alert_key')
    .select(['alert_key', 'status'])
    .where('alert', '=', alert)
    .where('alert_key', 'in', keys)
    .orderBy('alert_key')
    .orderBy('request_id', 'desc')
    .execute();
  return latest.filter(({ status }) => status === 'firing').map(({ alert_key }) => alert_key);
}
