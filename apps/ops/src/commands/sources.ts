import {
  command,
  EXIT,
  flag,
  formatTable,
  JSON_OPTION,
  option,
  printJson,
  say,
  text,
  wholeNumber,
} from '@adtally/command-line';
import { jsonInteger, listSources, type SourceStatus } from '@adtally/db';
import { onDatabase, type OpsEnvironment } from '../on-database.ts';
import { printable } from '../words.ts';

const INT4_MAX = 2_147_483_647;

/** Every source with its cursor and its halt, halted ones first. */
export const listAllSources = command({
  description:
    "Halted ones first. KNOWN END is the log's as a consumer last noted it. What ends a halt: accept-loss.",
  options: {
    topic: option(text('TOPIC'), 'of this topic only'),
    partition: option(wholeNumber(0, INT4_MAX), 'of this partition only'),
    halted: flag('only those that are halted'),
    ...JSON_OPTION,
  },
  run: async ({ options: { json, ...wanted } }, environment: OpsEnvironment) =>
    await onDatabase(environment, async ({ db }) => {
      const all = await listSources(db);
      const found = all.filter((source) => matches(source, wanted)).toSorted(byHalt);
      if (json) printJson({ sources: found.map(sourceJson) });
      else if (found.length > 0) process.stdout.write(`${sourcesText(found)}\n`);
      if (all.length === 0) say('no sources yet: they are made when a consumer first starts');
      else if (found.length === 0) say(`none of ${all.length} sources matches`);
      return EXIT.success;
    }),
});

interface Wanted {
  readonly topic: string | undefined;
  readonly partition: number | undefined;
  readonly halted: boolean;
}

function matches(source: SourceStatus, { topic, partition, halted }: Wanted): boolean {
  return (
    (topic === undefined || source.topic === topic) &&
    (partition === undefined || source.partition === partition) &&
    (!halted || source.haltedCode !== null)
  );
}

/** What waits for a person first; else as they are listed. */
function byHalt(a: SourceStatus, b: SourceStatus): number {
  return Number(b.haltedCode !== null) - Number(a.haltedCode !== null);
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
function sourcesText(sources: readonly SourceStatus[]): string {
  const rows = sources.map((source) => [
    String(source.sourceId),
    source.kind,
    `${printable(source.topic)}[${source.partition}]`,
    String(source.nextOffset),
    source.knownEndOffset === null ? '-' : String(source.knownEndOffset),
    String(source.epoch),
    source.owner === null ? '-' : printable(source.owner),
    stateOf(source),
  ]);
  const header = ['SOURCE', 'KIND', 'PARTITION', 'NEXT', 'KNOWN END', 'EPOCH', 'OWNER', 'STATE'];
  return formatTable([header, ...rows], new Set([0, 3, 4, 5]));
}

function stateOf(source: SourceStatus): string {
  if (source.closedAt !== null) return 'closed';
  if (source.haltedCode === null) return 'ready';
  const detail = source.haltedDetail === null ? '' : `: ${printable(source.haltedDetail)}`;
  return `HALTED ${source.haltedCode}${detail}`;
}
