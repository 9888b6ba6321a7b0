import { rfc3339, type Period, type Standing } from '@adtally/analytics';
import { count } from '../words.ts';

/** As of when figures are, as JSON. */
export function standingJson({ definition, ...standing }: Standing): object {
  const time = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString());
  return {
    version: definition.version,
    algorithm: definition.algorithm,
    window_ms: definition.windowMs,
    tolerance_ms: definition.toleranceMs,
    read_at: time(standing.nowMs),
    summed_to: time(standing.summedToMs),
    waiting_notes: standing.waitingNotes,
    oldest_note_at: time(standing.oldestNoteMs),
    positions: standing.positions,
  };
}

/** As of when figures are, in a sentence. */
export function standingText(standing: Standing): string {
  const { definition, summedToMs, waitingNotes } = standing;
  const summed =
    summedToMs === null
      ? 'nothing'
      : `impressions born before ${new Date(summedToMs).toISOString()}`;
  const notes = waitingNotes === 0n ? 'none' : `${count(waitingNotes)} batches`;
  return `version ${definition.version} has summed up ${summed}; of late events ${notes} wait`;
}

/** `2026-03-01T00:00:00+01:00 to 2026-03-02T00:00:00+01:00 (Europe/Berlin)`. */
export function periodText({ fromMs, toMs, timeZone }: Period): string {
  return `${rfc3339(fromMs, timeZone)} to ${rfc3339(toMs, timeZone)} (${timeZone})`;
}

export function periodJson({ fromMs, toMs, timeZone }: Period): object {
  return { from: rfc3339(fromMs, timeZone), to: rfc3339(toMs, timeZone), time_zone: timeZone };
}
