import type { FreshReport, PartitionLag, SourcePosition } from '@adtally/db';
import type { PartitionHistory } from './partition-history.ts';
import type { Reason } from './reason.ts';
import type { TopicView } from './topic-observer.ts';

/** What living members say of a topic: gathered once a look, since a topic may have thousands of partitions. */
export interface TopicReports {
  readonly byPartition: ReadonlyMap<number, readonly FreshReport[]>;
  /** Whoever reports any partition. */
  readonly owners: readonly string[];
  /** Their consumer groups, in the order of their names. */
  readonly groups: readonly string[];
}

/** All that is known of one partition at one look. */
export interface Evidence {
  readonly kind: 'events' | 'dlq';
  readonly topic: string;
  readonly partition: number;
  /** Its source; null for a partition that nobody has claimed yet. */
  readonly position: SourcePosition | null;
  readonly view: TopicView;
  readonly reports: TopicReports;
  readonly history: PartitionHistory;
}

/** When the record at an offset was appended, Unix ms; null where that is not known. */
export type AppendMs = (offset: number) => number | null;

export interface Clock {
  /** Monotonic. */
  readonly nowMs: number;
  readonly unixMs: number;
  /** A cursor that has not moved for so long although records wait is stuck. */
  readonly stuckAfterMs: number;
}

const SECOND_MS = 1_000;
/** A look at all brokers takes so many times longer where some of them are silent. */
const SLOW_LOOKS = 3;
const NO_ANSWER: Reason = {
  code: 'broker_unreachable',
  detail: 'the brokers have not answered yet',
};

/** Where a partition is to be read from, and where its log ends as far as known. Null: unknown. */
export interface Span {
  readonly cursor: number;
  readonly end: number | null;
}

/** What is to be counted of a partition: of a topic made again under its name, all of it waits. */
export function spanOf({ position, view, partition }: Omit<Evidence, 'history'>): Span {
  const seen = view.partitions.get(partition);
  if (position === null || isRecreated(position, view)) {
    return { cursor: seen?.start ?? 0, end: seen?.end ?? null };
  }
  return { cursor: position.nextOffset, end: seen?.end ?? position.knownEndOffset };
}

/** What the figures say of a partition, and whether and why it is stuck. Notes the look in its history. */
export function judge(evidence: Evidence, appendMs: AppendMs, clock: Clock): PartitionLag {
  const { kind, topic, partition, position, history } = evidence;
  const span = spanOf(evidence);
  history.note(clock.nowMs, { ...span, idleMs: position?.idleMs ?? null });
  const lagRecords = span.end === null ? null : Math.max(0, span.end - span.cursor);
  const report = reportOf(evidence);
  return {
    kind,
    topic,
    partition,
    sourceId: position?.sourceId ?? null,
    nextOffset: position?.nextOffset ?? null,
    endOffset: span.end,
    lagRecords,
    ...age(lagRecords, appendMs(span.cursor), history, clock),
    state: position?.halted ? 'halted' : (report?.state ?? 'not_granted'),
    owner: report?.owner ?? null,
    stuck: stuck(evidence, span, appendMs(span.cursor), clock),
  };
}

function age(
  lagRecords: number | null,
  appendedMs: number | null,
  history: PartitionHistory,
  { nowMs, unixMs }: Clock,
): Pick<PartitionLag, 'lagSeconds' | 'ageFrom'> {
  if (lagRecords === null) return { lagSeconds: null, ageFrom: null };
  if (lagRecords === 0) return { lagSeconds: 0, ageFrom: null };
  const since = (ms: number): number => Math.max(0, ms) / SECOND_MS;
  // Appended since the look before this one: as exact as the figures are, and nothing needs to be read.
  if (history.youngerThanMs !== null) {
    return { lagSeconds: since(nowMs - history.youngerThanMs), ageFrom: 'append_time' };
  }
  if (appendedMs !== null) {
    return { lagSeconds: since(unixMs - appendedMs), ageFrom: 'append_time' };
  }
  return { lagSeconds: since(nowMs - history.movedMs), ageFrom: 'cursor_moved' };
}

function stuck(
  evidence: Evidence,
  span: Span,
  appendedMs: number | null,
  { nowMs, unixMs, stuckAfterMs }: Clock,
): PartitionLag['stuck'] {
  const { history } = evidence;
  const lasting = lastingReason(evidence, nowMs, stuckAfterMs);
  const lastsMs = history.lastsMs(nowMs, lasting?.code ?? null);
  if (lasting !== null && (lasting.isSure || lastsMs >= stuckAfterMs)) {
    return { code: lasting.code, detail: lasting.detail, forMs: lastsMs };
  }
  const appendedMono = appendedMs === null ? null : nowMs - (unixMs - appendedMs);
  const standsMs = history.standsMs(nowMs, appendedMono);
  if (standsMs < stuckAfterMs) return null;
  const { code, detail } = lasting ?? standingReason(evidence, span);
  return { code, detail, forMs: standsMs };
}

/** A reason that holds without a record that waits: once it is sure, or has lasted. */
type LastingReason = Reason & { readonly isSure?: true };

/** What keeps a partition from being counted whether or not a record is known to wait. */
function lastingReason(
  { topic, partition, position, view, history }: Evidence,
  nowMs: number,
  stuckAfterMs: number,
): LastingReason | null {
  if (position?.halted) {
    const { code, detail } = position.halted;
    return { code: 'halted', detail: detail === '' ? code : `${code}: ${detail}`, isSure: true };
  }
  const isDescribed = Number.isFinite(view.describedMs);
  if (isDescribed && view.topicId === null) {
    return { code: 'topic_missing', detail: `topic ${topic} does not exist` };
  }
  if (position !== null && isRecreated(position, view)) {
    const detail = `topic ${topic} was ${position.topicId} and is ${view.topicId} now`;
    return { code: 'topic_recreated', detail };
  }
  const seen = view.partitions.get(partition);
  if (seen?.hasLeader === false) {
    return { code: 'leader_missing', detail: `${topic}[${partition}] has no leader` };
  }
  const readMs = Math.max(seen?.endReadMs ?? -Infinity, history.firstMs);
  // One that answered when it was asked last waits for its turn: others may be silent.
  const hasAnswered = view.failure === null && seen?.failure === null;
  if (nowMs - readMs < (hasAnswered ? SLOW_LOOKS : 1) * stuckAfterMs) return null;
  // The end of the log was not read for so long that nobody can tell whether records wait.
  const blind = view.failure ?? seen?.failure ?? NO_ANSWER;
  return { ...blind, isSure: true };
}

/** Why the cursor stands although the brokers answer and records wait: the best that is known. */
function standingReason(evidence: Evidence, { cursor, end }: Span): Reason {
  const { topic, partition, position, view, reports } = evidence;
  const groups = groupsOf(reports.byPartition.get(partition) ?? []);
  if (groups.length > 1) return twoGroups(topic, groups);
  const report = reportOf(evidence);
  if (report === undefined) return notGranted(reports, position);
  const stableEnd = view.partitions.get(partition)?.stableEnd ?? null;
  if (stableEnd !== null && stableEnd <= cursor && (end ?? 0) > cursor) {
    const detail = `a transaction has been open since offset ${stableEnd}: nothing after it may be read`;
    return { code: 'open_transaction', detail };
  }
  const { owner, reason, state } = report;
  if (reason !== null) return { code: reason.code, detail: `${owner}: ${reason.detail}` };
  if (state === 'waiting') return { code: 'claim_pending', detail: `${owner} has not claimed it` };
  return { code: 'unknown', detail: `${owner} reads it and says nothing of why it stands` };
}

export function twoGroups(topic: string, groups: readonly string[]): Reason {
  const detail = `the groups ${groups.join(' and ')} count topic ${topic} into one database`;
  return { code: 'two_groups', detail };
}

/** The consumer groups of these reports, in the order of their names. */
function groupsOf(reports: readonly FreshReport[]): string[] {
  return [...new Set(reports.map(({ consumerGroup }) => consumerGroup))].toSorted();
}

/** @param reports of one topic */
export function topicReports(reports: readonly FreshReport[]): TopicReports {
  return {
    byPartition: Map.groupBy(reports, ({ partition }) => partition),
    owners: [...new Set(reports.map(({ owner }) => owner))],
    groups: groupsOf(reports),
  };
}

function notGranted({ owners }: TopicReports, position: SourcePosition | null): Reason {
  const who =
    owners.length === 0
      ? 'no living member reports any partition of the topic'
      : `the living members (${owners.join(', ')}) report other partitions`;
  const last = position?.owner;
  return {
    code: 'not_granted',
    detail: last === null || last === undefined ? who : `${who}; last claimed by ${last}`,
  };
}

/** What the member says that has most to say of the partition. */
function reportOf({ reports, partition }: Evidence): FreshReport | undefined {
  const of = reports.byPartition.get(partition) ?? [];
  return (
    of.find(({ state }) => state === 'owned') ?? of.find(({ reason }) => reason !== null) ?? of[0]
  );
}

function isRecreated(position: SourcePosition, view: TopicView): boolean {
  return view.topicId !== null && view.topicId !== position.topicId;
}
