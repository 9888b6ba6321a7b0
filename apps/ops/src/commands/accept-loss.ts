import {
  command,
  EXIT,
  JSON_OPTION,
  option,
  printJson,
  required,
  say,
  wholeNumber,
} from '@adtally/command-line';
import {
  acceptLoss,
  type AcceptLossResult,
  jsonInteger,
  listSources,
  lossToAccept,
  type SourceStatus,
  type Successor,
} from '@adtally/db';
import { onDatabase, type OpsEnvironment } from '../on-database.ts';
import { EXECUTE_OPTIONS, operatorOf, readOrder } from '../order-options.ts';
import { count, printable } from '../words.ts';

const SOURCE_ID_MAX = 2_147_483_647;

type Accepted = Extract<AcceptLossResult, { outcome: 'accepted' }>;

/** Ends the halt of a source, or says what ending it comes to. */
export const acceptLossOfSource = command({
  description: `What is missing is written into the ledger as lost, and counting goes on behind it. It cannot be undone.
Exit code 2 where there is no such source, 4 where it is not halted, or the offset to go on at is not known
or not one of its log's.`,
  options: {
    source: required(wholeNumber(1, SOURCE_ID_MAX), 'which source; sources --halted lists them'),
    'resume-at': option(
      wholeNumber(0, Number.MAX_SAFE_INTEGER),
      'the offset to go on at, from the cursor (reads again) to the end; by default what the halt says',
    ),
    ...EXECUTE_OPTIONS,
    ...JSON_OPTION,
  },
  run: async ({ options }, environment: OpsEnvironment) => {
    const { source: sourceId, json } = options;
    const order = readOrder(options);
    const named = options['resume-at'];
    const request = { sourceId, resumeAt: named === undefined ? undefined : BigInt(named) };
    return await onDatabase(environment, async ({ db, config }) => {
      const halt = (await listSources(db)).find((source) => source.sourceId === sourceId);
      const executed = order !== null;
      const result = executed
        ? await acceptLoss(db, { ...request, ...operatorOf(order, config) })
        : await lossToAccept(db, request);
      if (json) printJson(resultJson(sourceId, executed, result));
      else if (result.outcome === 'accepted') {
        const words = executed ? acceptedText(sourceId, result) : lookText(halt, result);
        process.stdout.write(`${words.join('\n')}\n`);
      }
      return toldOutcome(sourceId, result);
    });
  },
});

/** Says why nothing is accepted, and what the process is to exit with. */
function toldOutcome(sourceId: number, result: AcceptLossResult): number {
  switch (result.outcome) {
    case 'accepted':
      return EXIT.success;
    case 'unknown-source':
      say(`there is no source ${sourceId}; ops sources lists them`);
      return EXIT.usage;
    case 'refused':
      say(result.detail);
      return EXIT.refused;
    case 'not-halted':
      say(`source ${sourceId} is not halted: there is no loss to accept`);
      return EXIT.refused;
    default:
      return result satisfies never;
  }
}

/** A look says `acceptable` where an order would be `accepted`. */
function resultJson(source: number, executed: boolean, result: AcceptLossResult): object {
  if (result.outcome !== 'accepted') {
    const detail = result.outcome === 'refused' ? { detail: result.detail } : {};
    return { executed: false, accepted: false, outcome: result.outcome, source, ...detail };
  }
  const { lost, nextOffset, closed, successor } = result;
  return {
    executed,
    accepted: executed,
    outcome: executed ? 'accepted' : 'acceptable',
    source,
    lost: jsonInteger(lost),
    first_offset: jsonInteger(nextOffset - lost),
    next_offset: jsonInteger(nextOffset),
    closed,
    successor: successor === null ? null : successorJson(successor, executed),
  };
}

function successorJson({ sourceId, nextOffset, formerEnd }: Successor, executed: boolean): object {
  return {
    // A look has made none that stays.
    source: executed ? sourceId : null,
    next_offset: jsonInteger(nextOffset),
    former_end: jsonInteger(formerEnd),
  };
}

function acceptedText(sourceId: number, result: Accepted): string[] {
  const { lost, nextOffset, closed, successor } = result;
  const next = closed ? 'the source is closed' : `it goes on at ${nextOffset}`;
  return [
    `source ${sourceId}: ${count(lost)} offsets written as lost; ${next}`,
    ...(successor === null
      ? []
      : successorText(successor, nextOffset, `source ${successor.sourceId} counts`)),
  ];
}

function lookText(halt: SourceStatus | undefined, result: Accepted): string[] {
  const { lost, nextOffset, closed, successor } = result;
  const range = lost === 0n ? '' : ` (${nextOffset - lost} to ${nextOffset})`;
  const next = closed ? 'the source would be closed' : `it would go on at ${nextOffset}`;
  return [
    ...(halt === undefined ? [] : [haltText(halt)]),
    `${count(lost)} offsets${range} would be written as lost; ${next}`,
    ...(successor === null ? [] : successorText(successor, nextOffset, 'a new source would count')),
    'Nothing was changed. To accept it, for good: --execute --reason TEXT',
  ];
}

function haltText({ sourceId, topic, partition, ...halt }: SourceStatus): string {
  const detail = halt.haltedDetail === null ? '' : `, ${printable(halt.haltedDetail)}`;
  const since = halt.haltedAt === null ? '' : ` since ${halt.haltedAt.toISOString()}`;
  return (
    `source ${sourceId} ${printable(topic)}[${partition}] is halted at ${halt.nextOffset}${since}: ` +
    `${halt.haltedCode ?? ''}${detail}`
  );
}

/** What is counted on its own, and what somebody has to produce again. */
function successorText(
  { nextOffset, formerEnd }: Successor,
  cursor: bigint,
  counts: string,
): string[] {
  const unread = formerEnd - cursor;
  return [
    `${counts} what the log has from ${nextOffset} on`,
    `${cursor - nextOffset} offsets of the former log (${nextOffset} to ${cursor}) are gone from Kafka and stay counted`,
    unread > 0n
      ? `about ${unread} acknowledged records behind them (${cursor} to ${formerEnd}) are gone uncounted: have them produced again`
      : 'of acknowledged records behind them nothing is known: have the last seconds before the election produced again',
    'what is produced again and was counted is a duplicate, and harmless',
  ];
}
