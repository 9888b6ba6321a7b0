import { userInfo } from 'node:os';
import {
  acceptLoss,
  type AcceptLossRequest,
  jsonInteger,
  listSources,
  type SourceStatus,
} from '@adtally/db';
import { parseCommand, UsageError, wholeNumber } from '../args.ts';
import { inspectedDatabaseUrl } from '../demo/inspected-database.ts';
import { withDatabase } from '../open-database.ts';
import { formatTable, printJson, say } from '../output.ts';
import { requireDatabaseUrl } from '../stack.ts';

const EXIT_USAGE = 2;
const EXIT_REFUSED = 4;
const SOURCE_ID_MAX = 2_147_483_647;

/**
 * `sources` lists the sources; `sources accept-loss --source N --reason TEXT` ends a halt.
 * Exit code 2 = wrong usage or unknown source, 4 = refused, since the source is not halted.
 */
export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseCommand(
    args,
    {
      json: { type: 'boolean', default: false },
      source: { type: 'string' },
      reason: { type: 'string' },
      actor: { type: 'string' },
    },
    true,
  );
  const [action = 'list', ...rest] = positionals;
  if (rest.length > 0) throw new UsageError(`unexpected "${rest.join(' ')}"`);
  if (action === 'list') return await list(values.json);
  if (action !== 'accept-loss') throw new UsageError(`no action "${action}". Known: accept-loss`);
  if (values.source === undefined || !values.reason?.trim()) {
    throw new UsageError('accept-loss needs --source N and --reason TEXT');
  }
  const actor = values.actor ?? userInfo().username;
  if (actor.trim() === '') throw new UsageError('--actor must name somebody');
  const sourceId = wholeNumber('source', values.source, 1, SOURCE_ID_MAX);
  return await accept({ sourceId, actor, reason: values.reason }, values.json);
}

async function list(json: boolean): Promise<number> {
  return await withDatabase(await inspectedDatabaseUrl(), async (db) => {
    const sources = await listSources(db);
    if (json) printJson({ sources: sources.map(sourceJson) });
    else process.stdout.write(`${sourcesText(sources)}\n`);
    return 0;
  });
}

async function accept(request: AcceptLossRequest, json: boolean): Promise<number> {
  return await withDatabase(requireDatabaseUrl(), async (db) => {
    const result = await acceptLoss(db, request);
    const accepted = result.outcome === 'accepted';
    if (json) {
      const facts = accepted
        ? {
            lost: jsonInteger(result.lost),
            next_offset: jsonInteger(result.nextOffset),
            closed: result.closed,
          }
        : {};
      printJson({ accepted, outcome: result.outcome, source: request.sourceId, ...facts });
    } else if (accepted) {
      const next = result.closed ? 'the source is closed' : `it goes on at ${result.nextOffset}`;
      process.stdout.write(
        `source ${request.sourceId}: ${result.lost} offsets written as lost; ${next}\n`,
      );
    }
    if (accepted) return 0;
    if (result.outcome === 'unknown-source') {
      say(`there is no source ${request.sourceId}; ./dev sources lists them`);
      return EXIT_USAGE;
    }
    say(`source ${request.sourceId} is not halted: there is no loss to accept`);
    return EXIT_REFUSED;
  });
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
