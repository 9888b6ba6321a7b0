import { bar, KNOWN_AFTER_MS, type ProgressForm } from '../progress.ts';
import type { PlannedRange, ReplayPlan } from './plan.ts';
import type { ReplayProgress } from './replay-board.ts';
import { stateOf, type Replay, type ReplayPartition } from './runs/find-replays.ts';

export function replayPlanJson(plan: ReplayPlan, recordsPerSecond: number): object {
  const total = (of: (range: PlannedRange) => number) => sum(plan.ranges, of);
  const records = total((range) => range.records);
  return {
    topic: plan.topic,
    topic_id: plan.topicId,
    records,
    missing: total((range) => range.missing),
    beyond_cursor: total((range) => range.beyondCursor),
    before_genesis: total((range) => range.beforeGenesis),
    estimated_seconds: Math.ceil(records / recordsPerSecond),
    partitions: plan.ranges.map((range) => ({
      partition: range.partition,
      first_offset: range.first,
      end_offset: range.end,
      records: range.records,
      missing: range.missing,
      beyond_cursor: range.beyondCursor,
      before_genesis: range.beforeGenesis,
    })),
  };
}

export function replayPlanText(plan: ReplayPlan, recordsPerSecond: number): string {
  const records = sum(plan.ranges, (range) => range.records);
  return [
    `topic ${plan.topic} (id ${plan.topicId})`,
    ...plan.ranges.map(rangeText),
    `${number(records)} records, about ${Math.ceil(records / recordsPerSecond)} s at ${number(recordsPerSecond)} records/s`,
  ].join('\n');
}

function rangeText({
  partition,
  first,
  end,
  records,
  missing,
  beyondCursor,
  beforeGenesis,
}: PlannedRange): string {
  return [
    `partition ${partition}: offsets ${first} to ${end}, ${number(records)} records`,
    ...(missing > 0 ? [`${number(missing)} offsets are gone: the log starts after them`] : []),
    ...(beyondCursor > 0
      ? [`${number(beyondCursor)} offsets past the live cursor are left to the consumer`]
      : []),
    ...(beforeGenesis > 0
      ? [`${number(beforeGenesis)} offsets lie before where counting began and are left out`]
      : []),
  ].join('; ');
}

export function replayJson(replay: Replay): object {
  const total = (of: (partition: ReplayPartition) => number) => sum(replay.partitions, of);
  return {
    run_id: Number(replay.runId),
    state: stateOf(replay),
    topic: replay.topic,
    topic_id: replay.topicId,
    rate: replay.rate,
    actor: replay.actor,
    reason: replay.reason,
    started_at: replay.startedAt.toISOString(),
    ended_at: replay.endedAt?.toISOString() ?? null,
    offsets_done: total(({ next, first }) => next - first),
    offsets_left: total(({ end, next }) => end - next),
    new: total(({ stored }) => stored),
    duplicate: total(({ duplicate }) => duplicate),
    conflict: total(({ conflict }) => conflict),
    known_conflict: total(({ knownConflicts }) => knownConflicts),
    rejected: total(({ rejected }) => rejected),
    refused: total(({ refused }) => refused),
    codes: codesOf(replay),
    discarded: total(({ discarded }) => discarded),
    gap: total(({ gap }) => gap),
    missing: total(({ missing }) => missing),
    beyond_cursor: total(({ beyondCursor }) => beyondCursor),
    partitions: replay.partitions.map(({ partition, first, end, next, stored, heldBy }) => ({
      partition,
      first_offset: first,
      end_offset: end,
      next_offset: next,
      new: stored,
      held_by: heldBy,
    })),
  };
}

export function replayText(replay: Replay): string {
  const total = (of: (partition: ReplayPartition) => number) => sum(replay.partitions, of);
  const figures: readonly (readonly [string, number])[] = [
    ['duplicate', total(({ duplicate }) => duplicate)],
    ['conflict', total(({ conflict }) => conflict)],
    ['known conflict', total(({ knownConflicts }) => knownConflicts)],
    ...Object.entries(codesOf(replay)),
    ['discarded', total(({ discarded }) => discarded)],
    ['gap', total(({ gap }) => gap)],
    ['missing', total(({ missing }) => missing)],
    ['beyond the cursor', total(({ beyondCursor }) => beyondCursor)],
  ];
  const done = total(({ next, first }) => next - first);
  const all = total(({ end, first }) => end - first);
  return [
    `replay ${replay.runId}: ${stateOf(replay)}, ${number(done)} of ${number(all)} offsets of ${replay.topic}, by ${replay.actor}`,
    `${number(total(({ stored }) => stored))} new`,
    ...figures.filter(([, count]) => count > 0).map(([name, count]) => `${number(count)} ${name}`),
  ].join(', ');
}

export const REPLAY_FORM: ProgressForm<ReplayProgress> = {
  line: (progress) => {
    const { offsetsDone, offsetsTotal, waitsFor } = progress;
    const rate = rateOf(progress);
    const left = remainingSeconds(progress);
    return [
      bar(offsetsTotal === 0 ? 0 : offsetsDone / offsetsTotal),
      `${offsetsDone}/${offsetsTotal} offsets`,
      rate === null ? 'rate unknown' : `${number(Math.round(rate))} records/s`,
      left === null ? 'remaining unknown' : `${Math.ceil(left)} s left`,
      ...(waitsFor === null ? [] : [`waits for ${waitsFor}`]),
    ].join('  ');
  },
  json: (progress) => ({
    progress: {
      offsets_done: progress.offsetsDone,
      offsets_total: progress.offsetsTotal,
      records: progress.records,
      records_per_second: rateOf(progress),
      remaining_seconds: remainingSeconds(progress),
      waits_for: progress.waitsFor,
    },
  }),
};

/** Records a second so far; null while that says little. */
function rateOf({ records, elapsedMs }: ReplayProgress): number | null {
  return elapsedMs < KNOWN_AFTER_MS ? null : (records / elapsedMs) * 1_000;
}

function remainingSeconds(progress: ReplayProgress): number | null {
  const rate = rateOf(progress);
  return rate === null || rate === 0 ? null : (progress.offsetsTotal - progress.offsetsDone) / rate;
}

function codesOf({ partitions }: Replay): Record<string, number> {
  const codes: Record<string, number> = {};
  for (const partition of partitions) {
    for (const [code, count] of Object.entries(partition.codes)) {
      codes[code] = (codes[code] ?? 0) + count;
    }
  }
  return codes;
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((all, item) => all + of(item), 0);
}

function number(value: number): string {
  return value.toLocaleString('en');
}
