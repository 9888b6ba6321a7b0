import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';

const SECRET = 'a-secret-password';
const PROGRAM = `
  import { command, main } from '@adtally/command-line';
  import { keepSecret } from '@adtally/config';
  keepSecret('${SECRET}', true);
  const waits = command({
    run: async () => {
      const error = Object.assign(new Error('refused: ${SECRET}'), { command: { args: ['${SECRET}'] } });
      setTimeout(() => { throw error; }, 1);
      return await new Promise((resolve) => setTimeout(resolve, 30_000, 0));
    },
  });
  await main({ name: 'waits', summary: 'of a test', load: async () => waits }, [], undefined);
`;

test('an error that nobody caught ends the process with its stack alone, and no secret', () => {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--conditions=@adtally/source', '--input-type=module', '--eval', PROGRAM],
    { cwd: import.meta.dirname, encoding: 'utf8' },
  );
  expect([status, stdout]).toEqual([1, '']);
  expect(stderr).toMatch(/^adtally: Error: refused: \*\*\*\n {4}at /);
  expect(stderr).not.toContain(SECRET);
  expect(stderr).not.toContain('args');
});
