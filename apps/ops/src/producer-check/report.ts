import { count, printable } from '../words.ts';
import { findingsOf, type Finding, type Severity } from './findings.ts';
import type { OffsetSpan, Unread } from './read-sample.ts';
import { UNNAMED } from './sample-tally.ts';
import type { SourceTally } from './source-tally.ts';

/** Everything a check found. */
export interface CheckedSample {
  readonly topic: string;
  readonly partitions: number;
  /** `CreateTime` or `LogAppendTime`; null where the brokers do not say. */
  readonly timestampType: string | null;
  readonly spans: readonly OffsetSpan[];
  readonly unread: readonly Unread[];
  readonly bySource: ReadonlyMap<string, SourceTally>;
}

const MARKS: Readonly<Record<Severity, string>> = { ok: 'ok   ', note: 'note ', wrong: 'WRONG' };
const ASPECT_CHARACTERS = 10;
const LOG_APPEND_TIME = 'LogAppendTime';

/** Whether something is to be mended, or could not be looked at. */
export function isWrong(sample: CheckedSample): boolean {
  const findings = sourcesOf(sample).flatMap((one) => one.findings);
  return sample.unread.length > 0 || findings.some(({ severity }) => severity === 'wrong');
}

/** For people: a block for each source, the largest first. */
export function reportText(sample: CheckedSample): string {
  const { topic, partitions, unread } = sample;
  const lines = [
    `topic ${printable(topic)}: ${count(partitions)} partitions, ${timestampWords(sample)}`,
    ...unread.map(({ partition, reason }) =>
      finding('wrong', `partition ${partition}`, `not read: ${reason}`),
    ),
  ];
  for (const { name, tally, findings } of sourcesOf(sample)) {
    lines.push('', `${nameOf(name, sample)}: ${count(tally.records)} records`);
    for (const { severity, aspect, text } of findings) lines.push(finding(severity, aspect, text));
  }
  return lines.join('\n');
}

function finding(severity: Severity, aspect: string, text: string): string {
  return `  ${MARKS[severity]}  ${aspect.padEnd(ASPECT_CHARACTERS)}  ${printable(text)}`;
}

function nameOf(source: string, { bySource }: CheckedSample): string {
  if (source !== UNNAMED) return `source ${printable(source)}`;
  return bySource.size === 1 ? 'all' : 'without a source';
}

function timestampWords({ timestampType }: CheckedSample): string {
  if (timestampType === null) return 'timestamp type not told by the brokers';
  if (timestampType === LOG_APPEND_TIME) return `${timestampType} (the broker's clock)`;
  return `${timestampType} (the producers' clocks; LogAppendTime is advised)`;
}

/** The object of `--json`. */
export function reportJson(sample: CheckedSample): object {
  return {
    topic: sample.topic,
    partitions: sample.partitions,
    timestamp_type: sample.timestampType,
    is_right: !isWrong(sample),
    read: sample.spans.map(({ partition, from, to }) => ({ partition, from, to })),
    unread: sample.unread,
    sources: sourcesOf(sample).map(({ name, tally, findings }) => ({
      source: name === UNNAMED ? null : name,
      ...tallyJson(tally),
      findings,
    })),
  };
}

function tallyJson(tally: SourceTally): object {
  const { placement, copies } = tally;
  const explanation = placement.explanation();
  return {
    records: tally.records,
    would_be_rejected: tally.records - tally.events,
    rejections: [...tally.causes.values()],
    with_unknown_fields: tally.withUnknownFields,
    key_forms: Object.fromEntries(tally.keys),
    placement: {
      judged: placement.judged,
      misplaced: placement.misplaced,
      explained_by: explanation?.name ?? null,
    },
    timestamp_forms: Object.fromEntries(tally.timestamps),
    timestamps_ahead: tally.timestampsAhead,
    id_forms: Object.fromEntries(tally.ids),
    duplicates: copies.duplicates,
    conflicts: copies.conflicts,
    conflict_fields: Object.fromEntries(copies.conflictFields),
  };
}

interface ReportedSource {
  readonly name: string;
  readonly tally: SourceTally;
  readonly findings: readonly Finding[];
}

function sourcesOf({ bySource, partitions }: CheckedSample): ReportedSource[] {
  return [...bySource]
    .map(([name, tally]) => ({ name, tally, findings: findingsOf(tally, partitions) }))
    .toSorted((a, b) => b.tally.records - a.tally.records);
}
