const DAY_MS = 86_400_000;

/** One day of `events`: the UUIDs whose first 48 bits, as milliseconds since 1970, lie in it (UTC). */
export interface EventDay {
  /** e.g. `20260131` */
  readonly label: string;
  readonly startMs: number;
  readonly endMs: number;
  /** The smallest UUID of the day and of the next one. */
  readonly fromId: string;
  readonly toId: string;
  /** Partition, e.g. `events_20260131`. */
  readonly table: string;
}

/** The day that contains a moment. */
export function eventDay(atMs: number): EventDay {
  const startMs = Math.floor(atMs / DAY_MS) * DAY_MS;
  const label = new Date(startMs).toISOString().slice(0, 10).replaceAll('-', '');
  return {
    label,
    startMs,
    endMs: startMs + DAY_MS,
    fromId: firstIdOf(startMs),
    toId: firstIdOf(startMs + DAY_MS),
    table: `events_${label}`,
  };
}

/** Every day from the one that contains `fromMs` to the one that contains `toMs`. */
export function eventDays(fromMs: number, toMs: number): EventDay[] {
  const days: EventDay[] = [];
  for (let day = eventDay(fromMs); day.startMs <= toMs; day = eventDay(day.endMs)) days.push(day);
  return days;
}

function firstIdOf(ms: number): string {
  const hex = ms.toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`;
}
