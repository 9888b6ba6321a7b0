import { userInfo } from 'node:os';
import {
  command,
  EXIT,
  formatTable,
  JSON_OPTION,
  option,
  printJson,
  required,
  say,
  text,
  wholeNumber,
} from '@adtally/command-line';
import {
  acceptLoss,
  type AcceptLossRequest,
  jsonInteger,
  listSources,
  type SourceStatus,
  type Successor,
  withDatabase,
} from '@adtally/db';
import { inspectedDatabaseUrl } from '../demo/inspected-database.ts';
import { DATABASE_OPTIONS, databaseAccess } from '../stack.ts';

const SOURCE_ID_MAX = 2_147_483_647;

export const listAllSources = command({
  description: `On the last demo's database while nothing was counted in the stack's own.`,
  options: JSON_OPTION,
  run: async ({ options }) =>
    await withDatabase(await inspectedDatabaseUrl(), DATABASE_OPTIONS, async (db) => {
      const found = await listSources(db);
      if (options.json) printJson({ sources: found.map(sourceJson) });
      else process.stdout.write(`${sourcesText(found)}\n`);
      return EXIT.success;
    }),
});

export const acceptLossOfSource = command({
  description: `Exit code 2 where there is no such source, 4 where it is not halted, or the offset to go on at is not known
or not one of its log's.`,
  options: {
    source: required(wholeNumber(1, SOURCE_ID_MAX), 'which source'),
    reason: required(text('TEXT'), 'why; kept for good'),
    'resume-at': option(
      wholeNumber(0, Number.MAX_SAFE_INTEGER),
      'the offset to go on at, from the cursor (reads again) to the end; by default what the halt says',
    ),
    actor: option(text('NAME'), 'who; by default the user of the system'),
    ...JSON_OPTION,
  },
  run: async ({ options }) => {
    const { source: sourceId, reason, actor = userInfo().username, json } = options;
    const named = options['resume-at'];
    const resumeAt = named === undefined ? undefined : BigInt(named);
    return await accept({ sourceId, reason, actor, resumeAt }, json);
  },
});

async function accept(request: AcceptLossRequest, json: boolean): Promise<number> {
  return await withDatabase(databaseAccess(), DATABASE_OPTIONS, async (db) => {
    const result = await acceptLoss(db, request);
    const accepted = result.outcome === 'accepted';
    if (json) {
      const facts = accepted
        ? {
            lost: jsonInteger(result.lost),
            next_offset: jsonInteger(result.nextOffset),
            closed: result.closed,
            successor: result.successor === null ? null : successorJson(result.successor),
          }
        : result.outcome === 'refused'
          ? { detail: result.detail }
          : {};
      printJson({ accepted, outcome: result.outcome, source: request.sourceId, ...facts });
    } else if (accepted) {
      const next = result.closed ? 'the source is closed' : `it goes on at ${result.nextOffset}`;
      process.stdout.write(
        `source ${request.sourceId}: ${result.lost} offsets written as lost; ${next}\n`,
      );
      if (result.successor !== null) {
        process.stdout.write(successorText(result.successor, result.nextOffset));
      }
    }
    switch (result.outcome) {
      case 'accepted':
        return EXIT.success;
      case 'unknown-source':
        say(`there is no source ${request.sourceId}; ./dev sources lists them`);
        return EXIT.usage;
      case 'refused':
        say(result.detail);
        return EXIT.refused;
      case 'not-halted':
        say(`source ${request.sourceId} is not halted: there is no loss to accept`);
        return EXIT.refused;
      default:
        return result satisfies never;
    }
  });
}

function successorJson({ sourceId, nextOffset, formerEnd }: Successor): object {
  return {
    source: sourceId,
    next_offset: jsonInteger(nextOffset),
    former_end: jsonInteger(formerEnd),
  };
}

/** What is counted on its own, and what somebody has to produce again. */
function successorText({ sourceId, nextOffset, formerEnd }: Successor, cursor: bigint): string {
  const unread = formerEnd - cursor;
  const lines = [
    `source ${sourceId} counts what the log has from ${nextOffset} on`,
    `${cursor - nextOffset} offsets of the former log (${nextOffset} to ${cursor}) are gone from Kafka and stay counted`,
    unread > 0n
      ? `about ${unread} acknowledged records behind them (${cursor} to ${formerEnd}) are gone uncounted: have them produced again`
      : 'of acknowledged records behind them nothing is known: have the last seconds before the election produced again',
    'what is produced again and was counted is a duplicate, and harmless',
  ];
  return `${lines.join('\n')}\n`;
}

function sourceJson(source: SourceStatus): object {
  return {
    source: source.sourceId,
    kind: source.kind,
    topic: source.topic,
    topic_id: source.topicId,
    partition: source.partition,
    run: source.run,
    next_offset: jsonInteger(source.nextOffset),
    known_end_offset: source.knownEndOffset === null ? null : jsonInteger(source.knownEndOffset),
    epoch: jsonInteger(source.epoch),
    owner: source.owner,
    claimed_at: source.claimedAt,
    halted_code: source.haltedCode,
    halted_detail: source.haltedDetail,
    halted_at: source.haltedAt,
    halted_resume_at: source.haltedResumeAt === null ? null : jsonInteger(source.haltedResumeAt),
    closed_at: source.closedAt,
  };
}

/** The list for people; the end is the topic's as a consumer last noted it. */
export function sourcesText(sources: readonly SourceStatus[]): string {
  if (sources.length === 0) return 'No sources yet: they are made when a consumer first starts.';
  const rows = sources.map((source) => [
    String(source.sourceId),
    source.kind,
    `${source.topic}[${source.partition}]`,
    String(source.nextOffset),
    source.knownEndOffset === null ? '-' : String(source.knownEndOffset),
    String(source.epoch),
    source.owner ?? '-',
    stateOf(source),
  ]);
  const header = ['SOURCE', 'KIND', 'PARTITION', 'NEXT', 'KNOWN END', 'EPOCH', 'OWNER', 'STATE'];
  return formatTable([header, ...rows], new Set([0, 3, 4, 5]));
}

function stateOf(source: SourceStatus): string {
  if (source.closedAt !== null) return 'closed';
  if (source.haltedCode === null) return 'ready';
  const detail = source.haltedDetail === null ? '' : `: ${source.haltedDetail}`;
  return `HALTED ${source.haltedCode}${detail}`;
}
