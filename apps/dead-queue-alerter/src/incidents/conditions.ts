import {
  auditResults,
  standingPartitions,
  type AuditResult,
  type DatabaseExecutor,
  type StandingPartition,
} from '@adtally/db';
import { AUDIT_ALERT, HALTED_ALERT, STUCK_ALERT } from './settings.ts';

/** Something that is so now and that people must hear of. */
export interface Condition {
  readonly key: string;
  readonly sinceMs: number;
  /** One line; while it stays the same there is no news. */
  readonly summary: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

/** What is so of one alert. */
export interface AlertConditions {
  readonly alert: string;
  readonly conditions: readonly Condition[];
  /** False where nobody can tell now: what was told stays as it is. */
  readonly isKnown: boolean;
  /** For so long none may be before it counts as over. */
  readonly quietMs: number;
}

/** Stuck for less is not worth waking anybody: a rebalance, a broker that is replaced. */
const STUCK_MIN_MS = 30_000;
const PARTITIONS_NAMED = 8;

/** What the database knows of halts, stuck partitions and audits, whoever of the services lives. */
export async function readConditions(
  db: DatabaseExecutor,
  options: { readonly nowMs: number; readonly stuckQuietMs: number },
): Promise<AlertConditions[]> {
  const { partitions, isStuckKnown } = await standingPartitions(db);
  const results = await auditResults(db);
  const halted = partitions.filter(({ state }) => state === 'halted');
  const stuck = partitions.filter(
    ({ state, sinceMs }) => state === 'stuck' && options.nowMs - sinceMs >= STUCK_MIN_MS,
  );
  const topics = Map.groupBy(stuck, ({ topic }) => topic);
  const scopes = Map.groupBy(
    results.filter(({ offence }) => offence !== null),
    ({ scope }) => scope,
  );
  return [
    { alert: HALTED_ALERT, conditions: haltsOf(halted), isKnown: true, quietMs: 0 },
    {
      alert: STUCK_ALERT,
      conditions: [...topics].map(([topic, members]) => stuckOf(topic, members)),
      isKnown: isStuckKnown,
      quietMs: options.stuckQuietMs,
    },
    {
      alert: AUDIT_ALERT,
      conditions: [...scopes].map(([scope, failed]) => failureOf(scope, failed)),
      isKnown: true,
      quietMs: 0,
    },
  ];
}

/** One condition a source. Keys are those of partitions; where two of its sources are halted the later one says which. */
function haltsOf(halted: readonly StandingPartition[]): Condition[] {
  const keys = new Set<string>();
  return halted.map((halt) => {
    const condition = haltOf(halt);
    const isTaken = keys.has(condition.key);
    keys.add(condition.key);
    return isTaken ? { ...condition, key: `${condition.key} source ${halt.sourceId}` } : condition;
  });
}

function haltOf(halt: StandingPartition): Condition {
  const { topic, partition, sourceId, kind, code, detail, offset, resumeAt, sinceMs } = halt;
  // Retries and replays of a partition are sources of their own.
  const key = `${topic}/${partition}${kind === 'events' || kind === 'dlq' ? '' : ` ${kind}`}`;
  return {
    key,
    sinceMs,
    summary: `${key} is halted at offset ${offset}: ${code}${detail === '' ? '' : `, ${detail}`}`,
    detail: {
      topic,
      partition,
      source: sourceId,
      code,
      what: detail,
      offset,
      goes_on_at: resumeAt,
      since: new Date(sinceMs).toISOString(),
      do: `read the runbook, then: ops accept-loss --source ${sourceId} says what it comes to, --execute does it`,
    },
  };
}

function stuckOf(topic: string, partitions: readonly StandingPartition[]): Condition {
  const named = partitions
    .slice(0, PARTITIONS_NAMED)
    .map(({ partition, code }) => `${partition} (${code})`);
  const hidden = partitions.length - named.length;
  const [first] = partitions;
  return {
    key: topic,
    sinceMs: Math.min(...partitions.map(({ sinceMs }) => sinceMs)),
    summary:
      `${topic}: ${partitions.length} ${partitions.length === 1 ? 'partition is' : 'partitions are'} stuck: ` +
      `${named.join(', ')}${hidden > 0 ? ` and ${hidden} more` : ''}`,
    detail: {
      topic,
      first_partition: first?.partition,
      offset: first?.offset,
      code: first?.code,
      what: first?.detail,
      do: 'ops lag names every partition that stands still and why; then the runbook, by the code',
    },
  };
}

function failureOf(scope: AuditResult['scope'], failed: readonly AuditResult[]): Condition {
  const [first] = failed;
  return {
    key: scope,
    sinceMs: Math.min(...failed.map(({ checkedAt }) => checkedAt.getTime())),
    summary: `the ${scope} audit does not balance: ${failed.map(({ checkId }) => checkId).join(', ')}`,
    detail: {
      scope,
      check: first?.checkId,
      what: first?.offence,
      checked_at: first?.checkedAt.toISOString(),
      checked_by: first?.checkedBy,
      do: 'keep the output of ops audit --json, bill nothing from this database, then the runbook',
    },
  };
}
