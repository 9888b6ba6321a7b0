import { readFileSync, writeFileSync } from 'node:fs';
import {
  correctStatement,
  issueStatement,
  month,
  readStatement,
  type ReadStatement,
  renderStatement,
  restoredDays,
  type Statement,
  timeZone,
  UnreadableStatement,
  verifyStatement,
} from '@adtally/analytics';
import {
  command,
  CommandError,
  EXIT,
  flag,
  JSON_OPTION,
  operand,
  option,
  printJson,
  say,
  text,
  UsageError,
} from '@adtally/command-line';
import { campaign } from '../campaign-type.ts';
import { onDatabase, type OpsEnvironment } from '../on-database.ts';
import { statementText } from '../statement-text.ts';
import { nothingStored, printable, restoredSentences } from '../words.ts';

/** They read every event, which may take minutes. */
const NO_TIMEOUT = { statementTimeoutMs: 0 };

/** Draws up a campaign's month from the events, or corrects one that was issued. */
export const statement = command({
  description: `The document is JSON; --text prints it for people. Nothing is written but the file of --out. Exit code 1
where the rollups contradict the events, 4 where the file of --out is there, or a correction has nothing to correct.`,
  options: {
    campaign: option(campaign, 'whose'),
    month: option(month, 'which month, by the days of the time zone'),
    'time-zone': option(timeZone, 'whose days; UTC unless it is given'),
    since: option(
      text('FILE'),
      'instead of campaign and month: correct this statement, and say what changed since',
    ),
    out: option(text('FILE'), 'where to keep the document; it must not be there yet'),
    text: flag('print it for people'),
    ...JSON_OPTION,
  },
  run: async ({ options }, environment: OpsEnvironment) => {
    const { since, campaign: campaignId } = options;
    if (since !== undefined && (campaignId ?? options.month ?? options['time-zone']) !== undefined)
      throw new UsageError(
        '--since names a statement, which has its campaign, month and time zone',
      );
    if (since === undefined && (campaignId === undefined || options.month === undefined))
      throw new UsageError('--campaign and --month are needed, or --since FILE');
    const earlier = since === undefined ? null : wholeStatement(since);
    const request = {
      campaignId: campaignId ?? '',
      month: options.month ?? '',
      timeZone: options['time-zone'] ?? 'UTC',
    };
    return await onDatabase(
      environment,
      async ({ db }) => {
        const issued =
          earlier === null
            ? await issueStatement(db, request)
            : await correctStatement(db, earlier);
        if (options.out !== undefined) keep(options.out, issued);
        if (options.json) printJson(issued);
        else if (options.text || options.out !== undefined)
          process.stdout.write(`${statementText(issued)}\n`);
        else process.stdout.write(renderStatement(issued));
        for (const sentence of restoredSentences(await restoredDays(db))) say(sentence);
        for (const sentence of doubts(issued)) say(sentence);
        return EXIT.success;
      },
      NO_TIMEOUT,
    );
  },
});

/** What its reader should know before it is sent to anybody: nothing of it is wrong. */
function doubts({
  campaign_id,
  month: of,
  time_zone,
  events,
  totals,
  days,
  issued_at,
}: Statement): string[] {
  const end = days.at(-1)?.to;
  const isOver = end !== undefined && end <= issued_at;
  return [
    ...(events === '0' && totals.length === 0 ? [nothingStored(campaign_id)] : []),
    ...(isOver ? [] : [`${of} is not over in ${time_zone}: --since FILE corrects this when it is`]),
  ];
}

/** Computes a statement anew from the events as of its own positions. */
export const verify = command({
  description: `Exit code 0 where it is verified, 1 where the file or the events differ from what was issued, 2 where the file
is no statement this build can read, 4 where this database cannot tell: it is another one, or behind the statement.`,
  operands: { file: operand(text('FILE'), 'the document, as issued') },
  options: { ...JSON_OPTION },
  run: async ({ operands, options }, environment: OpsEnvironment) => {
    const { statement: stated, problems } = readFile(operands.file);
    return await onDatabase(
      environment,
      async ({ db }) => {
        const differences = [...problems, ...(await verifyStatement(db, stated))];
        if (options.json) printJson({ verified: differences.length === 0, differences });
        else process.stdout.write(`${verdictText(stated, differences)}\n`);
        for (const sentence of restoredSentences(await restoredDays(db))) say(sentence);
        return differences.length === 0 ? EXIT.success : EXIT.failure;
      },
      NO_TIMEOUT,
    );
  },
});

const SHOWN_MAX = 20;

function verdictText(
  { events, fingerprint, attribution: { version, algorithm, window_ms, tolerance_ms } }: Statement,
  differences: readonly string[],
): string {
  if (differences.length === 0)
    return (
      `verified: ${events} events, fingerprint ${fingerprint}, as of its own positions, by version ${version} ` +
      `(${algorithm}, window ${window_ms} ms, tolerance ${tolerance_ms} ms)`
    );
  const shown = differences.slice(0, SHOWN_MAX).map(printable);
  const more = differences.length - shown.length;
  return ['NOT verified:', ...shown, ...(more > 0 ? [`and ${more} more`] : [])].join('\n');
}

/** A file whose content is as it was issued. @throws UsageError where it is none */
function wholeStatement(path: string): Statement {
  const { statement: stated, problems } = readFile(path);
  if (problems.length > 0) throw new UsageError(`${path}: ${problems.join('; ')}`);
  return stated;
}

/** @throws UsageError where it cannot be read */
function readFile(path: string): ReadStatement {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw new UsageError(`${path} cannot be read: ${(error as Error).message}`);
  }
  try {
    return readStatement(bytes.toString('utf8'));
  } catch (error) {
    if (error instanceof UnreadableStatement) throw new UsageError(`${path}: ${error.message}`);
    throw error;
  }
}

/** @throws CommandError where the file is there, or cannot be written */
function keep(path: string, issued: Statement): void {
  try {
    writeFileSync(path, renderStatement(issued), { flag: 'wx' });
  } catch (error) {
    const isThere = (error as NodeJS.ErrnoException).code === 'EEXIST';
    const why = isThere
      ? 'is there already; a statement is never overwritten'
      : 'cannot be written';
    const exitCode = isThere ? EXIT.refused : EXIT.failure;
    throw new CommandError(`${path} ${why}`, { exitCode, cause: error });
  }
}
