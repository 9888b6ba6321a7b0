import { REPOSITORY } from './crash-build.ts';
import { PROTOCOL_FILES, protocolPlaces, type Protocol } from './protocol.ts';
import type { RecordedResult } from './recorded-result.ts';
import { placesSection } from './report-places.ts';
import type { Signal } from './series.ts';
import { UNREACHED } from './unreached.ts';

const SIGNALS: readonly Signal[] = ['SIGKILL', 'SIGSTOP'];
const SAID_SO = /^said so/;
/** What a zombie's evidence quotes of its warnings. */
const QUOTED = /"([^"]+)"/g;

/** All recorded results in Markdown, the newest of each place, side and signal. */
export function reportMarkdown(results: readonly RecordedResult[]): string {
  const newest = new Map(
    results.map((result) => [`${result.signal} ${result.side} ${result.name}`, result]),
  );
  const all = [...newest.values()];
  const bad = all.filter(({ problems }) => problems.length > 0);
  return [
    '# The crash series',
    '',
    'Written by `./dev crash-series --results FILE --markdown FILE` on what the commands below recorded. At each place a',
    'process of a crash build said where it was and was ended by SIGKILL, or frozen by SIGSTOP, at that place or at another one',
    'of the same moment, which it named. A killed one had heirs; after each the audit balanced, and at the end of each chain the',
    'totals were those of the books. A frozen one stood still until a successor had done the work, then went on beside it with',
    'new work, and the totals were exact each time. What is a place, a side and a moment:',
    '[ADR 43](../adr/0043-places-are-made-by-the-build.md).',
    '',
    `**${all.length - bad.length} of ${all.length} places and sides exact**, by ${processes(all)} processes that went at their place`,
    `(${SIGNALS.map((signal) => counted(signal, all)).join('; ')}).`,
    `On ${[...new Set(all.map(({ machine }) => machine))].join(' and ')}.`,
    ...replaced(results, all),
    '',
    ...notExact(bad),
    ...commandRows(all),
    '## By protocol',
    '',
    '| protocol | places | surely passed by a stage | killed at, exact | frozen at, exact |',
    '| --- | --- | --- | --- | --- |',
    ...protocols().map((protocol) => summaryRow(protocol, all)),
    '',
    ...missing(all),
    ...zombies(all),
    ...placesSection(newest),
    '## Places that no stage passes for sure',
    '',
    ...UNREACHED.map(
      ({ why, sometimes, places }) =>
        `- ${why}${sometimes === true ? ' (on some runs it is passed)' : ''}: ${places.map((name) => `\`${name}\``).join(', ')}`,
    ),
    '',
  ].join('\n');
}

/** Those that said a place themselves; the other results are of the same moments. */
function processes(all: readonly RecordedResult[]): number {
  return all.filter(({ evidence }) => SAID_SO.test(evidence)).length;
}

function counted(signal: Signal, all: readonly RecordedResult[]): string {
  const own = all.filter((one) => one.signal === signal);
  const exact = own.filter(({ problems }) => problems.length === 0);
  return `${signal}: ${exact.length} of ${own.length} by ${processes(own)} processes`;
}

function protocols(): Protocol[] {
  return Object.keys(PROTOCOL_FILES) as Protocol[];
}

/** Said, since the newest result of a place stands for it. */
function replaced(results: readonly RecordedResult[], newest: readonly RecordedResult[]): string[] {
  const older = results.filter(({ problems }) => problems.length > 0).length;
  const left = newest.filter(({ problems }) => problems.length > 0).length;
  return older === left
    ? []
    : [`${older - left} results that were not exact were gone through anew, and replaced.`];
}

function notExact(bad: readonly RecordedResult[]): string[] {
  if (bad.length === 0) return [];
  const lines = bad.map(
    ({ signal, side, name, problems }) => `- ${signal} ${side} \`${name}\`: ${flat(problems)}`,
  );
  return ['Not exact:', '', ...lines, ''];
}

/** What was run, in the order in which it began. */
function commandRows(all: readonly RecordedResult[]): string[] {
  const runs = Map.groupBy(all, ({ command, commit }) => `${command} ${commit}`);
  const rows = [...runs.values()].map((own) => {
    const { command, commit, load } = own[0] as RecordedResult;
    const times = own.map(({ at }) => at.slice(0, 16)).toSorted();
    const exact = own.filter(({ problems }) => problems.length === 0).length;
    const cells = [`\`${command}\``, times[0], times.at(-1)?.slice(11), commit, load.toFixed(1)];
    return [times[0], `| ${[...cells, processes(own), `${exact} of ${own.length}`].join(' | ')} |`];
  });
  return [
    '## Commands',
    '',
    '| command | first result (UTC) | last | commit | load per core before | processes | places and sides exact |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...rows.toSorted(([a = ''], [b = '']) => (a < b ? -1 : 1)).map(([, row]) => row as string),
    '',
  ];
}

/** What should have been gone through, and was not. */
function missing(all: readonly RecordedResult[]): string[] {
  const excused = new Set(UNREACHED.flatMap((group) => group.places));
  const sure = protocols()
    .flatMap((protocol) => protocolPlaces(REPOSITORY, protocol))
    .filter(({ name }) => !excused.has(name));
  return SIGNALS.flatMap((signal) => {
    const went = new Set(all.filter((one) => one.signal === signal).map(({ name }) => name));
    const left = sure.filter(({ name }) => !went.has(name)).map(({ name }) => `\`${name}\``);
    if (left.length === 0)
      return [`${signal}: all ${sure.length} places that are surely passed.`, ''];
    if (went.size === 0) return [`${signal}: not run.`, ''];
    const some = `${sure.length - left.length} of ${sure.length} places that are surely passed`;
    const fold = ['<details>', `<summary>${signal}: ${some}</summary>`, ''];
    return [...fold, `Not yet: ${left.join(', ')}.`, '', '</details>', ''];
  });
}

function summaryRow(protocol: Protocol, all: readonly RecordedResult[]): string {
  const places = protocolPlaces(REPOSITORY, protocol).map(({ name }) => name);
  const excused = new Set(UNREACHED.flatMap((group) => group.places));
  const sure = places.filter((name) => !excused.has(name)).length;
  const exact = SIGNALS.map((signal) => {
    const own = all.filter((one) => one.signal === signal && one.problems.length === 0);
    const names = new Set(own.map(({ name }) => name));
    return `${places.filter((name) => names.has(name)).length}`;
  });
  return `| ${[protocol, places.length, sure, ...exact].join(' | ')} |`;
}

/** What those that were frozen said once they went on, and how many of them. */
function zombies(all: readonly RecordedResult[]): string[] {
  const own = all.filter(({ signal, evidence }) => signal === 'SIGSTOP' && SAID_SO.test(evidence));
  if (own.length === 0) return [];
  const words = own.flatMap(({ protocol, evidence }) => {
    const heard = [...evidence.matchAll(QUOTED)].map(([, word = '']) => withoutNames(word));
    const said = heard.length === 0 ? ['nothing; it ended in order'] : [...new Set(heard)];
    return said.map((word) => `${protocol} | ${word}`);
  });
  const times = [...Map.groupBy(words, (word) => word)].map(([word, { length }]) => ({
    word,
    length,
  }));
  const sorted = times.toSorted((a, b) => (a.word < b.word ? -1 : 1));
  return [
    '## What zombies warned of when they went on',
    '',
    '| protocol | warning | of so many processes |',
    '| --- | --- | --- |',
    ...sorted.map(({ word, length }) => `| ${word} | ${length} |`),
    '',
  ];
}

/** A file or an address is another one on each run. */
function withoutNames(word: string): string {
  return word.replaceAll(/(?:\d+\.){3}\d+:\d+/g, 'HOST:PORT').replaceAll(/\/\S+/g, 'PATH');
}

function flat(problems: readonly string[]): string {
  return problems.join('; ').replaceAll(/\s+/g, ' ').slice(0, 500);
}
