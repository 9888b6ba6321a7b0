import { expect, test } from 'vitest';
import type { Program } from '../src/command.ts';
import { EXIT } from '../src/exit-codes.ts';
import { runProgram } from '../src/run-program.ts';
import { captured } from './captured.ts';
import { declaredCommands, type DeclaredCommand } from './declared-commands.ts';

/**
 * Declares the tests that every program must pass, for each of its commands: its help is there and
 * complete, and nothing that is not declared is taken. None of them gets as far as the command's work,
 * so `context` need not reach anything.
 */
export async function checkCommandLine<C>(program: Program<C>, context: C): Promise<void> {
  const all = await declaredCommands(program);
  const looking = all.filter(({ command }) => command?.passesOn !== 'everything');
  const ran = async (...argv: string[]) =>
    await captured(async () => await runProgram(program, argv, context));
  const named = (commands: readonly DeclaredCommand<C>[]) =>
    commands.map((one) => [[program.name, ...one.path].join(' '), one] as const);

  test.each(named(looking))('help of %s names all it takes', async (_name, one) => {
    const asked = await ran(...one.path, '--help');
    expect(asked).toMatchObject({ code: EXIT.success, stderr: '' });
    const { options = {}, operands = {} } = one.command ?? {};
    for (const option of Object.keys(options)) expect(asked.stdout).toContain(`  --${option}`);
    for (const operand of Object.keys(operands)) expect(asked.stdout).toContain(`  ${operand} `);
    for (const command of one.commands) expect(asked.stdout).toContain(`  ${command} `);
    expect(await ran(...one.path, '-h')).toEqual(asked);
  });

  const grouped = program.commands === undefined ? [] : looking;
  test.each(named(grouped))('help as a word before %s is the same', async (_name, one) => {
    expect(await ran('help', ...one.path)).toEqual(await ran(...one.path, '--help'));
  });

  test.each(named(looking))('%s refuses an option it does not know', async (name, one) => {
    const refused = await ran(...one.path, '--no-such-option');
    expect(refused).toMatchObject({ code: EXIT.usage, stdout: '' });
    expect(refused.stderr).toContain("unknown option '--no-such-option'");
    expect(refused.stderr).toContain(`See ${name} --help`);
    for (const option of Object.keys(one.command?.options ?? {})) {
      const misspelt = await ran(...one.path, `--${doubled(option)}`);
      expect(misspelt).toMatchObject({ code: EXIT.usage, stdout: '' });
      expect(misspelt.stderr).toContain(`(Did you mean --${option}?)`);
    }
  });

  const finite = looking.filter(
    ({ command }) => !Object.values(command?.operands ?? {}).some((one) => one.isVariadic),
  );
  test.each(named(finite))('%s refuses a word too many', async (_name, one) => {
    const operands = Object.keys(one.command?.operands ?? {}).map(() => '1');
    const refused = await ran(...one.path, ...operands, 'qqqqqqqq');
    expect(refused).toMatchObject({ code: EXIT.usage, stdout: '' });
    expect(refused.stderr).toContain('qqqqqqqq');
  });

  const below = all.filter(({ path }) => path.length > 0);
  test.each(named(below))(
    '%s misspelt is refused, and the right word named',
    async (_name, one) => {
      const name = one.path.at(-1) ?? '';
      const refused = await ran(...one.path.slice(0, -1), doubled(name), '--help');
      expect(refused).toMatchObject({ code: EXIT.usage, stdout: '' });
      // Another word may be as near.
      expect(refused.stderr).toMatch(
        new RegExp(`unknown command '${doubled(name)}' \\(Did you mean (one of .*)?${name}\\b`),
      );
    },
  );
}

/** A word with one letter too many: `demoo`. */
function doubled(word: string): string {
  return `${word}${word.at(-1)}`;
}
