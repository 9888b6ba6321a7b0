import { EXIT } from '@adtally/command-line';
import { expect, test } from 'vitest';
import { askDatabase } from './command-database.ts';
import { LeadLost } from './retention/leading.ts';

const URL_OF_NOBODY = 'postgres://127.0.0.1:1/nobody';

test('a command whose lead has ended says so in a sentence, and with the code of a server that is lost', async () => {
  const lost = new LeadLost('the session that led retention has ended');
  await expect(askDatabase(URL_OF_NOBODY, () => Promise.reject(lost))).rejects.toMatchObject({
    exitCode: EXIT.unavailable,
    message:
      'PostgreSQL at 127.0.0.1:1 (DATABASE_URL) does not answer: the session that led retention has ended',
  });
});

test('what is no matter of the server is told as it is', async () => {
  const ours = new TypeError('undefined is not a function');
  await expect(askDatabase(URL_OF_NOBODY, () => Promise.reject(ours))).rejects.toBe(ours);
});
