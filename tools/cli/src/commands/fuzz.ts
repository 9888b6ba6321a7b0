import { join } from 'node:path';
import {
  choice,
  command,
  EXIT,
  flag,
  JSON_OPTION,
  option,
  printJson,
  say,
  wholeNumber,
} from '@adtally/command-line';
import { fuzz, type FuzzResult, TARGET_NAMES } from '@adtally/fuzz';
import { localFolder } from '@adtally/local-stack';

const INPUTS = 100_000;
const INPUTS_MAX = 1_000_000_000_000;
const MINUTES_MAX = 10_000;
const SECONDS_A_MINUTE = 60;

export const fuzzCommand = command({
  description: `Feeds our readers of foreign bytes with mutated inputs, each in a process of its own, without any server. Told are
inputs and what came of them; an input that throws, ends the process or hangs it is saved under .local/fuzz and makes
the exit code 1. Input N of a seed is always the same.`,
  options: {
    inputs: option(
      wholeNumber(1, INPUTS_MAX),
      `of all targets together, by their shares; ${INPUTS} unless --minutes is given`,
    ),
    minutes: option(wholeNumber(1, MINUTES_MAX), 'ends after so long, whatever was reached'),
    seed: option(wholeNumber(0, 2 ** 31), 'another one makes other inputs', { default: 1 }),
    target: option(choice(TARGET_NAMES), 'one alone'),
    keep: flag('add the first input of each outcome to the corpus'),
    ...JSON_OPTION,
  },
  run: async ({ options: { inputs, minutes, seed, target, keep, json } }) => {
    const results = await fuzz({
      inputs: inputs ?? (minutes === undefined ? INPUTS : INPUTS_MAX),
      seed,
      keep,
      folder: join(localFolder, 'fuzz'),
      ...(target === undefined ? {} : { targets: [target] }),
      ...(minutes === undefined ? {} : { timeMs: minutes * SECONDS_A_MINUTE * 1_000 }),
    });
    for (const result of results) for (const line of linesOf(result)) say(line);
    const total = results.reduce((sum, result) => sum + result.inputs, 0);
    const broken = results.filter(({ finding }) => finding !== null);
    say(`${total} inputs, ${broken.length === 0 ? 'nothing broke' : `${broken.length} findings`}`);
    if (json) printJson({ seed, total, results });
    return broken.length === 0 ? EXIT.success : EXIT.failure;
  },
});

function linesOf({ target, inputs, seconds, outcomes, finding, saved }: FuzzResult): string[] {
  const rate = Math.round(inputs / seconds);
  const counts = Object.entries(outcomes)
    .toSorted(([, a], [, b]) => b.count - a.count)
    .map(([outcome, { count }]) => `${outcome} ${count}`);
  return [
    `${target}: ${inputs} inputs in ${seconds.toFixed(1)} s (${rate}/s): ${counts.join(', ')}`,
    ...(finding === null
      ? []
      : [`  input ${finding.index}: ${finding.words}`, `  saved: ${saved}`]),
  ];
}
