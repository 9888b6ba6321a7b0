import { spawn } from 'node:child_process';
import { keepSecret, type Secret } from '@adtally/config';

/** Gives the password a connection is to be opened with. */
export type PasswordSource = () => Promise<string>;

/** An address whose password comes from elsewhere, each time a connection is opened. */
export type DatabaseUrl = Secret & { readonly password?: PasswordSource };

/** The command that yields the password did not. Nothing that it printed is told. */
export class PasswordUnavailable extends Error {
  override readonly name = 'PasswordUnavailable';
}

/** So long a command may take; the time to connect begins after it. */
export const PASSWORD_LIMIT_MS = 10_000;
const PASSWORD_CHARACTERS_MAX = 65_536;

const running = new Map<string, Promise<string>>();

/**
 * Runs a command in a shell and takes what it prints, without the newline at its end, for the password. Who asks
 * while it runs gets the same answer.
 * @throws PasswordUnavailable
 */
export async function passwordFrom(command: string, limitMs = PASSWORD_LIMIT_MS): Promise<string> {
  const under = running.get(command);
  if (under !== undefined) return await under;
  const answer = run(command, limitMs).finally(() => running.delete(command));
  running.set(command, answer);
  return await answer;
}

async function run(command: string, limitMs: number): Promise<string> {
  const printed = await new Promise<string>((resolve, reject) => {
    // A group of its own: what the shell has started would keep its pipe open, and us waiting.
    const child = spawn('/bin/sh', ['-c', command], {
      detached: true,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (piece: string) => {
      text = `${text}${piece}`.slice(0, PASSWORD_CHARACTERS_MAX);
    });
    const limit = setTimeout(() => {
      reject(unavailable(`took more than ${limitMs} ms`));
      killGroup(child.pid);
      // What left the group (setsid) lives on and holds the pipe: it is read no longer.
      child.stdout.destroy();
    }, limitMs);
    child.once('error', ({ name }) => reject(unavailable(`could not be run (${name})`)));
    child.once('close', (code) => {
      clearTimeout(limit);
      if (code === 0) resolve(text);
      else reject(unavailable(code === null ? 'was ended by a signal' : `ended with ${code}`));
    });
  });
  const password = printed.replace(/\r?\n$/, '');
  if (password === '') throw unavailable('printed nothing');
  // Each connection may get one of its own.
  keepSecret(password, true, 'the password of the database');
  return password;
}

/** Nobody may be left in it: the shell has ended, and waited for is what still holds its pipe. */
function killGroup(leader: number | undefined): void {
  if (leader === undefined) return;
  try {
    process.kill(-leader, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function unavailable(why: string): PasswordUnavailable {
  return new PasswordUnavailable(`DATABASE_PASSWORD_COMMAND ${why}`);
}
