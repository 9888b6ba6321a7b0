import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { waitFor } from '@adtally/testkit';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { documentedCommands, type Documented } from './support/commands/find-commands.ts';
import { OperatorStage } from './support/commands/stage.ts';
import { filled } from './support/commands/values.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const METRICS = readFileSync(resolve(ROOT, 'docs/metrics.md'), 'utf8');

/** What is not carried out here, and why; of `./dev` the arguments are looked at all the same. */
const NOT_RUN: readonly (readonly [RegExp, string])[] = [
  [/^\.\/dev demo$/, 'tools/cli/test/demo.integration.test.ts runs it'],
  [/^\.\/dev test( |$)/, 'runs this test, too'],
  [/^\.\/dev (up|down)$/, 'the servers of all tests would be started or ended'],
  [
    /^\.\/dev (break|bench|chaos|crash-series|fuzz|matrix) /,
    'takes minutes and a machine of its own',
  ],
  [/^\.\/dev run [a-z-]+( --watch)?$/, 'a service: it runs beside, on the stage'],
  [/^pnpm exec vitest run tools\/tidy\/test\/alert-rules$/, 'a test itself'],
  [/^promtool test rules /, 'tools/tidy/test/alert-rules.test.ts runs it'],
  [/^(pip install -r requirements\.txt|python -m recount)$/, 'what ./dev recount does'],
  [/^openssl crl2pkcs7 /, 'prints a certificate, and the servers of the stage have none'],
  [
    /^docker compose /,
    'not every machine has Docker; tools/tidy/test/compose.test.ts reads the file',
  ],
];

/** A name in the text, without what it needs: its help must be there. */
const NAME_ALONE = /^(\.\/dev|\.\/dev recount|(\.\/dev )?ops( \.\.\.)?|ops [a-z -]+)$/;

/** Exit codes other than 0 that the stage gives reason for, as the README of the command has them. */
const ENDS_WITH: readonly (readonly [RegExp, readonly number[], string])[] = [
  [/^(ops )?audit/, [0, 3], 'a partition may stand still'],
  [/^ops check-producer /, [3], 'the topic has wrong records'],
  [/^ops redrive .*--execute .*--wait/, [3], 'the letters die again'],
  [/^ops redrive status .*--wait/, [3], 'they died again'],
  [/^ops archive restore /, [4], 'no day was archived'],
  [/^ops statement --since /, [4], 'nothing is to be corrected'],
];

/** Series that a stage without TLS and tokens cannot have: that they are declared must do. */
const NO_SERIES_HERE = /^(certificate|token)_expiry$/;

const HAVE_RULES_AS_MADE = /^\.\/dev (ops statement|recount) /;
const DRAIN = /-X POST localhost:9464\/drain/;
const lineOf = ({ words }: Documented) => words.join(' ');

/** Statements and their recounts first, before topics and partitions are changed; the drain at the end. */
const rank = (one: Documented) =>
  HAVE_RULES_AS_MADE.test(lineOf(one)) ? 0 : DRAIN.test(lineOf(one)) ? 2 : 1;

const named = documentedCommands(ROOT)
  .toSorted((a, b) => rank(a) - rank(b))
  .map((one) => [`${one.place}: ${lineOf(one).replaceAll(/\s+/g, ' ')}`, one] as const);
const of = (program: string) => named.filter(([, { words }]) => words[0] === program);
const isNotRun = (one: Documented) => NOT_RUN.some(([line]) => line.test(lineOf(one)));
const isNameAlone = (one: Documented) => NAME_ALONE.test(lineOf(one));

let stage: OperatorStage;
beforeAll(async () => {
  stage = await OperatorStage.start(ROOT);
  // On a new machine it installs what it needs, and says so.
  await stage.commands.run(['recount', '--help']);
}, 120_000);
afterAll(async () => {
  await stage[Symbol.asyncDispose]();
});

test('whatever a document tells to type is known here, and nothing is excused that no document has', () => {
  const known = ['./dev', 'ops', 'curl', 'sql'];
  const strangers = named.filter(
    ([, one]) => !known.includes(one.words[0] ?? '') && !isNotRun(one),
  );
  expect(strangers.map(([name]) => name)).toEqual([]);
  const lines = named.map(([, one]) => lineOf(one));
  const unused = NOT_RUN.filter(([line]) => !lines.some((one) => line.test(one)));
  expect(unused).toEqual([]);
  expect(of('./dev').length).toBeGreaterThan(50);
});

describe('./dev', () => {
  const all = [...of('./dev'), ...of('ops')];
  const words = ({ words: [program, ...rest] }: Documented) =>
    program === 'ops' ? ['ops', ...rest] : rest;

  test.each(all.filter(([, one]) => isNameAlone(one)))('%s', async (_name, one) => {
    const asked = words(one).filter((word) => word !== '...');
    const { code, stderr } = await stage.commands.run([...asked, '--help']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  test.each(all.filter(([, one]) => isNotRun(one)))('%s', async (_name, one) => {
    const { code, stderr } = await stage.commands.parse(words(one));
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  test.each(all.filter(([, one]) => !isNotRun(one) && !isNameAlone(one)))(
    '%s',
    async (_name, one) => {
      const typed = await filled(stage, words(one));
      const line = typed.join(' ');
      const codes = ENDS_WITH.find(([pattern]) => pattern.test(line))?.[1] ?? [0];
      const { code, stdout, stderr } = await stage.commands.run(typed);
      expect(codes, `exit code ${code} of ${line}: ${stdout}${stderr}`).toContain(code);
    },
  );
});

describe('SQL', () => {
  test.each(of('sql'))('%s', async (_name, { words: [, statements = ''] }) => {
    // A database is asked, and left as it is.
    const all = sql.raw(`BEGIN; ${statements.replace(/;?\s*$/, ';')} ROLLBACK`);
    await expect(all.execute(stage.db)).resolves.toBeDefined();
  });
});

describe('admin port', () => {
  test.each(of('curl'))('%s', async (_name, one) => {
    const path = /localhost:9464(\/[a-z]+)$/.exec(
      one.words.find((word) => word.includes('9464')) ?? '',
    );
    const given = one.words.at(one.words.indexOf('-d') + 1) ?? '{}';
    const body = one.words.includes('-d') ? JSON.parse(given) : undefined;
    // The stage's topic has one partition.
    if (body?.partition !== undefined) body.partition = 0;
    const isPost = one.words.includes('POST');
    const target = path?.[1] ?? '';
    const asked = async () =>
      await Promise.all(
        stage.services.map(async (service) => {
          const answer = isPost ? await service.post(target, body) : await service.get(target);
          return { isOk: answer.ok, text: await answer.text() };
        }),
      );
    if (isPost) {
      expect((await asked()).some(({ isOk }) => isOk)).toBe(true);
      return;
    }
    const greps = one.filters.filter(([filter]) => filter === 'grep');
    const names = greps.map((words) => words.at(-1) ?? '');
    const patterns = names.filter((name) => !NO_SERIES_HERE.test(name));
    // Some series are there only while something is wrong.
    for (const name of names.flatMap((pattern) => pattern.split('|'))) {
      expect(METRICS).toContain(name);
    }
    // Who leads tells what is known of the whole system, and only after a while.
    const isAnswered = async () => {
      const answers = (await asked()).filter(({ isOk }) => isOk);
      const lines = answers.flatMap(({ text }) => text.split('\n'));
      return (
        patterns.reduce(
          (left, pattern) => left.filter((line) => new RegExp(pattern).test(line)),
          lines,
        ).length > 0
      );
    };
    await waitFor(isAnswered, { what: `an answer of ${target}`, timeoutMs: 30_000 });
  });
});
