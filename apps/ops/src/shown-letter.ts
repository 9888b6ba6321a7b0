import { formatTable } from '@adtally/command-line';
import { jsonInteger } from '@adtally/db';
import { type LetterFacts, type ShownLetter } from '@adtally/letters';
import { factText } from './letter-facts.ts';
import { maskedText, maskRecord } from './mask.ts';
import { coordinate, printable, span } from './words.ts';

const maybeInteger = (value: bigint | null) => (value === null ? null : jsonInteger(value));

/** A letter as JSON, its bytes masked. */
export function shownJson({ facts, attempts, receipts, record }: ShownLetter): object {
  return {
    id: jsonInteger(facts.letterId),
    state: facts.state,
    code: facts.code,
    last_code: facts.lastCode,
    field: facts.field,
    message: facts.message,
    fingerprint: facts.fingerprint,
    version: facts.claimedVersion || null,
    source: facts.claimedSource || null,
    campaign: facts.claimedCampaign || null,
    source_id: facts.sourceId,
    topic: facts.topic,
    partition: facts.partition,
    offset: jsonInteger(facts.offset),
    appended_at: facts.appendMs === null ? null : appendTime(facts.appendMs),
    record_sha256: facts.recordSha256.toString('hex'),
    rejected_by: { app: facts.app, version: facts.appVersion },
    copy:
      facts.dlqTopic === null
        ? null
        : {
            topic: facts.dlqTopic,
            partition: facts.dlqPartition,
            offset: maybeInteger(facts.dlqOffset),
          },
    recorded_at: facts.recordedAt,
    age_seconds: Math.round(facts.ageSeconds),
    series: facts.series,
    attempts: facts.attempts,
    attempts_max: facts.attemptsMax,
    next_attempt_at: facts.nextAttemptAt,
    tried_now: facts.isTriedNow,
    waits_for_dead_topic: facts.isExhausted,
    outcome: facts.outcome,
    impression_id: facts.impressionId,
    event_key: facts.eventKey,
    settled_at: facts.settledAt,
    discarded_from: facts.discardedFrom,
    discard: maybeInteger(facts.discardAction),
    tries: attempts.map((attempt) => ({
      series: attempt.series,
      attempt: attempt.attempt,
      started_at: attempt.startedAt,
      finished_at: attempt.finishedAt,
      outcome: attempt.outcome,
      code: attempt.code,
      message: attempt.message,
      app_version: attempt.appVersion,
    })),
    receipts: receipts.map((receipt) => ({
      job: jsonInteger(receipt.jobId),
      place: receipt.place,
      series: receipt.series,
      outcome: receipt.outcome,
      changed_at: receipt.changedAt,
    })),
    record: record === null ? null : maskRecord(record),
  };
}

/** A letter for people, its bytes masked. */
export function shownText({ facts, attempts, receipts, record }: ShownLetter): string {
  const tries = attempts.map((attempt) => [
    `  ${attempt.series}.${attempt.attempt}`,
    attempt.startedAt.toISOString(),
    attempt.outcome ?? 'under way',
    attempt.appVersion,
    printable([attempt.code, attempt.message].filter(Boolean).join(': ')),
  ]);
  const jobs = receipts.map((receipt) => [
    `  job ${receipt.jobId}`,
    `place ${receipt.place}`,
    receipt.series === null ? '-' : `series ${receipt.series}`,
    receipt.outcome ?? 'open',
    receipt.changedAt?.toISOString() ?? '-',
  ]);
  return [
    formatTable(factLines(facts)),
    ...(tries.length === 0 ? ['no tries yet'] : ['tries (series.number)', formatTable(tries)]),
    ...(jobs.length === 0 ? [] : ['redrives', formatTable(jobs)]),
    record === null ? 'record: its bytes have expired' : maskedText(record),
  ].join('\n');
}

function factLines(facts: LetterFacts): string[][] {
  const copy =
    facts.dlqTopic === null
      ? 'in the database only'
      : `${printable(facts.dlqTopic)}/${facts.dlqPartition}@${facts.dlqOffset}`;
  return [
    ['letter', String(facts.letterId)],
    ['state', stateText(facts)],
    ['fails with', printable(`${facts.lastCode} ${facts.field}: ${facts.message}`)],
    ['rejected as', printable(`${facts.code} by ${facts.app || '-'} ${facts.appVersion}`)],
    ['fingerprint', printable(facts.fingerprint)],
    ['sent by', factText(facts.claimedSource)],
    ['campaign', factText(facts.claimedCampaign)],
    ['version', factText(facts.claimedVersion)],
    ['original', coordinate(facts)],
    ['appended', facts.appendMs === null ? '-' : (appendTime(facts.appendMs) ?? '-')],
    ['copy', copy],
    ['sha-256', facts.recordSha256.toString('hex')],
    ['recorded', `${facts.recordedAt.toISOString()} (${span(facts.ageSeconds)} ago)`],
    ['attempts', `${facts.attempts} of ${facts.attemptsMax} in series ${facts.series}`],
    ['next try', facts.nextAttemptAt?.toISOString() ?? '-'],
    ...(facts.eventKey === null ? [] : [['event', `${facts.impressionId} key ${facts.eventKey}`]]),
  ];
}

function stateText(facts: LetterFacts): string {
  if (facts.isTriedNow) return `${facts.state}, being tried now`;
  if (facts.isExhausted) return `${facts.state}, no try left, waits for the dead topic`;
  if (facts.outcome !== null) return `${facts.state} (${facts.outcome})`;
  if (facts.discardedFrom === null) return facts.state;
  return `discarded, was ${facts.discardedFrom}, by action ${facts.discardAction ?? '-'}`;
}

/** Append times come from the broker; one that is no date is not worth failing for. */
function appendTime(ms: bigint): string | null {
  const time = new Date(Number(ms));
  return ms < 0n || Number.isNaN(time.getTime()) ? null : time.toISOString();
}
