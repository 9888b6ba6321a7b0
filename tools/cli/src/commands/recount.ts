import { command, operands } from '@adtally/command-line';
import { recount } from '@adtally/recount';
import { serviceEnvironment } from '../stack.ts';

/** Counts a topic anew by a program in Python, and compares: the words are its own. */
export const recountCommand = command({
  operands: {
    words: operands('words', 'statement, report or events with a FILE, or rows; --help too'),
  },
  passesOn: 'everything',
  run: async ({ operands: { words } }) => {
    const { code, stdout, stderr } = await recount(words, serviceEnvironment());
    process.stderr.write(stderr);
    process.stdout.write(stdout);
    return code;
  },
});
