import { type CohortRange, COHORTS_PER_DAY } from '../bases.ts';
import { COHORT_MS } from '../cohorts.ts';

/** A base of timed ids that is taken, as folding looks at it. */
export interface FoldableBase extends CohortRange {
  /** Events it sums up. */
  readonly events: bigint;
  readonly isFolded: boolean;
  /** Whose rows it has, where its version took them over (taken-over.ts); null where it summed them up itself. */
  readonly takenOver: string | null;
}

export interface FoldRules {
  /** Only bases that end by then; milliseconds since 1970. */
  readonly beforeMs: number;
  /** Of impressions born before it the events are gone. */
  readonly horizonMs: number;
  /** A folded base takes no further hour of birth in where it would sum up more: it is computed anew as one. */
  readonly unitEvents: bigint;
  /** One step takes in no further base where those would sum up more. */
  readonly stepEvents: bigint;
}

/** One step of folding. */
export interface Fold {
  /** The base that remains; the others become part of it. */
  readonly unit: FoldableBase;
  readonly others: readonly FoldableBase[];
}

const COHORTS_PER_HOUR = BigInt(3_600_000 / COHORT_MS);
/** Bounds the statements that name them. */
const OTHERS_MAX = 500;

/**
 * What to fold next.
 *
 * @param bases in the order of their cohorts: perhaps a folded one, then what follows it
 * @returns null where the first base that is not folded yet is too young
 */
export function nextFold(bases: readonly FoldableBase[], rules: FoldRules): Fold | null {
  const at = bases.findIndex(({ isFolded }) => !isFolded);
  const first = bases[at];
  if (first === undefined || !endsBy(first, rules.beforeMs)) return null;
  const before = bases[at - 1];
  const joinsBefore =
    before !== undefined && mayJoin(before, before.last, before.events, first, rules);
  const unit = joinsBefore ? before : first;
  const others: FoldableBase[] = joinsBefore ? [first] : [];
  let moved = first.events;
  let events = joinsBefore ? before.events + first.events : first.events;
  for (let { last } = first; others.length < OTHERS_MAX;) {
    const next = bases[at + others.length + (joinsBefore ? 0 : 1)];
    if (next === undefined || next.isFolded || !endsBy(next, rules.beforeMs)) break;
    moved += next.events;
    if (moved > rules.stepEvents || !mayJoin(unit, last, events, next, rules)) break;
    events += next.events;
    others.push(next);
    ({ last } = next);
  }
  return { unit, others };
}

/**
 * Whether a base may become part of a unit that reaches to a cohort and sums up so many events: of the same UTC day, since
 * retention drops days; a begun hour of birth is brought to its end. What can never be computed anew has no such bounds.
 * Bases that were summed up by different rules stay apart.
 */
export function mayJoin(
  unit: Pick<FoldableBase, 'first' | 'last' | 'takenOver'>,
  last: bigint,
  events: bigint,
  next: FoldableBase,
  { horizonMs, unitEvents }: Pick<FoldRules, 'horizonMs' | 'unitEvents'>,
): boolean {
  if (next.first !== last + 1n || next.takenOver !== unit.takenOver) return false;
  if (endsBy(next, horizonMs)) return true;
  if (endsBy({ first: unit.first, last }, horizonMs)) return false;
  if (unit.first / COHORTS_PER_DAY !== next.last / COHORTS_PER_DAY) return false;
  const isHourBegun = last / COHORTS_PER_HOUR === next.first / COHORTS_PER_HOUR;
  return isHourBegun || events + next.events <= unitEvents;
}

function endsBy({ last }: CohortRange, ms: number): boolean {
  return Number(last + 1n) * COHORT_MS <= ms;
}
