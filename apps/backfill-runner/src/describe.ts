import {
  cohortStartMs,
  type Backfill,
  type BackfillPlan,
  type CohortRange,
  type TakenOver,
  takenOverText,
} from '@adtally/analytics';

/** A range of cohorts as times, half-open; null where it has no beginning. */
export function rangeJson({ first, last }: CohortRange): object {
  return {
    first_cohort: Number(first),
    last_cohort: Number(last),
    from: first < 0n ? null : new Date(cohortStartMs(first)).toISOString(),
    to: new Date(cohortStartMs(last + 1n)).toISOString(),
    timeless: first < 0n,
  };
}

function rangeText({ first, last }: CohortRange): string {
  const from = first < 0n ? 'the beginning, ids without a time too,' : isoOf(first);
  return `impressions born from ${from} to ${isoOf(last + 1n)}`;
}

function isoAt(ms: number): string {
  return new Date(ms).toISOString();
}

function isoOf(cohort: bigint): string {
  return new Date(cohortStartMs(cohort)).toISOString();
}

/** What a version took over from another one. */
export function takenOverJson(one: TakenOver): object {
  return {
    version: one.version,
    taken_over_from: one.from,
    ...rangeJson(one),
    bases: one.bases,
    events: Number(one.events),
    lacks_rollups: one.lacks,
    text: takenOverText(one),
  };
}

export function planJson(plan: BackfillPlan, rowsPerSecond: number): object {
  return {
    version: plan.version,
    ...rangeJson(plan.range),
    cohorts: Number(plan.range.last - (plan.range.first < 0n ? 0n : plan.range.first) + 1n),
    bases: plan.bases,
    bases_taken: plan.takenBases,
    rows: plan.events,
    taken_over:
      plan.takenOver === null
        ? null
        : { version: plan.takenOver.version, events: Number(plan.takenOver.events) },
    purged_before: plan.purgedBeforeMs === 0 ? null : isoAt(plan.purgedBeforeMs),
    estimated_seconds: Math.ceil(plan.events / rowsPerSecond),
  };
}

export function planText(plan: BackfillPlan, rowsPerSecond: number): string {
  const purged =
    plan.purgedBeforeMs === 0
      ? []
      : [
          `events born before ${isoAt(plan.purgedBeforeMs)} were purged: what it has of them stays, what it lacks is taken over from the version that readers see`,
        ];
  return [
    `version ${plan.version}, ${rangeText(plan.range)}`,
    ...purged,
    `${plan.events.toLocaleString('en')} rows in ${plan.bases} bases, of which ${plan.takenBases} are taken (again)`,
    `about ${Math.ceil(plan.events / rowsPerSecond)} s at ${rowsPerSecond.toLocaleString('en')} rows/s`,
    ...(plan.takenOver === null
      ? []
      : [
          `${plan.takenOver.events.toLocaleString('en')} events whose ids are no UUIDv7 left: they cannot be computed anew, what version ${plan.takenOver.version} has of them is taken over`,
        ]),
  ].join('\n');
}

export function backfillJson(backfill: Backfill): object {
  return {
    run_id: Number(backfill.runId),
    version: backfill.version,
    ...rangeJson(backfill.range),
    state: stateOf(backfill),
    rate: backfill.rate,
    actor: backfill.actor,
    started_at: backfill.startedAt.toISOString(),
    ended_at: backfill.endedAt?.toISOString() ?? null,
    bases_done: backfill.basesDone,
    bases_left: backfill.basesLeft,
    rows: backfill.eventsDone,
  };
}

export function backfillText(backfill: Backfill): string {
  const { runId, version, basesDone, basesLeft, actor } = backfill;
  return `backfill ${runId}: ${stateOf(backfill)}, version ${version}, ${basesDone} of ${basesDone + basesLeft} bases, by ${actor}`;
}

/** As the database has it, but for one that nobody attends to. */
function stateOf({ state, isAttended }: Backfill): string {
  return state === 'running' && !isAttended ? 'interrupted' : state;
}
