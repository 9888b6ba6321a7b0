import { expect, test } from 'vitest';
import { passwordFrom } from './password-source.ts';

test.each([
  'sleep 30 & sleep 30; echo late',
  // The shell is gone, and what holds its pipe is of another session.
  'setsid sleep 3 & echo x',
])('a command that hangs is ended with all it started, and told: %s', async (command) => {
  await expect(passwordFrom(command, 200)).rejects.toThrow(
    'DATABASE_PASSWORD_COMMAND took more than 200 ms',
  );
});

test('who asks while it runs gets the same answer', async () => {
  const command = 'sleep 0.1; echo $$';
  const [one, other] = await Promise.all([passwordFrom(command), passwordFrom(command)]);
  expect(one).toBe(other);
  expect(await passwordFrom(command)).not.toBe(one);
});
