import { BatchUnreadable, LogDiverged, type ReadFault, type ReadUpTo } from '@adtally/kafka';

/** Why a partition stands still until an operator decides (I9). */
export interface Halt {
  readonly code: HaltCode;
  readonly detail: string;
  /** Where reading could go on once the loss is accepted; null where no offset can be named. */
  readonly resumeAt: number | null;
}

export type HaltCode =
  /** An offset is missing although the topic may have no holes. */
  | 'hole'
  /** The log starts past the cursor: retention was faster than we. */
  | 'truncated'
  /** The log ends before the cursor. */
  | 'log_shrunk'
  /** A batch of the log cannot be read: damaged on the broker's disk, or of a kind this build does not know. */
  | 'unreadable'
  /** A leader was elected that lacks part of what was counted (unclean): other records stand at its offsets. */
  | 'log_diverged'
  /** The topic was deleted and created again under its name. */
  | 'topic_recreated';

/** A halt as the database holds it: of whichever build wrote it, so that its code may be any. */
export interface StandingHalt {
  readonly code: string;
  readonly detail: string;
}

/** Offsets without a record where the topic may have none. */
export function holeHalt(expected: number, found: number): Halt {
  return {
    code: 'hole',
    detail:
      `offset ${expected} expected, but the log goes on at ${found}: the topic is compacted or written in ` +
      'transactions (EVENTS_TOPIC_MAY_HAVE_GAPS=true counts such offsets as gaps), or records are missing',
    resumeAt: found,
  };
}

/** The log departs at `divergesAt` from what was read of it, up to and with `last`. */
export function divergedHalt({ offset, leaderEpoch }: ReadUpTo, divergesAt: number): Halt {
  return {
    code: 'log_diverged',
    detail:
      `read up to ${offset}, but of what the leader of epoch ${leaderEpoch} wrote the log holds only what lies ` +
      `before ${divergesAt}: ${offset - divergesAt} offsets were counted and stand for other records now`,
    resumeAt: divergesAt,
  };
}

/** What a reader's fault means for the partition; null where it is to be claimed again, which looks closer. */
export function haltForFault(fault: ReadFault): Halt | null {
  if (fault instanceof BatchUnreadable) {
    const { offset, end, detail } = fault.at;
    const upTo =
      end === null
        ? ', and where it can be read again is not known (ops accept-loss --resume-at names it)'
        : `, up to ${end - 1}`;
    return {
      code: 'unreadable',
      detail: `offset ${offset} cannot be read${upTo}: ${detail}`,
      resumeAt: end,
    };
  }
  if (fault instanceof LogDiverged) {
    const { position, leaderEpoch, divergesAt } = fault.at;
    return divergedHalt({ offset: position, leaderEpoch }, divergesAt);
  }
  return null;
}

/**
 * What it means when a cursor lies outside the log; null where it lies inside. A log that was cut short may have been
 * written on before it was looked at: of what it has, only what lies before `lastRead` is known to have been counted.
 */
export function haltFor(
  nextOffset: number,
  log: { logStart: number; end: number },
  lastRead: ReadUpTo | null = null,
): Halt | null {
  if (log.logStart > nextOffset) {
    return {
      code: 'truncated',
      detail: `the log starts at ${log.logStart}, ${log.logStart - nextOffset} offsets past the cursor ${nextOffset}`,
      resumeAt: log.logStart,
    };
  }
  if (log.end < nextOffset) {
    return {
      code: 'log_shrunk',
      detail:
        `the log ends at ${log.end}, before the cursor ${nextOffset}: of what was counted it lacks at least ` +
        `${nextOffset - log.end} offsets`,
      resumeAt: Math.min(log.end, lastRead?.offset ?? log.end),
    };
  }
  return null;
}
