import { setTimeout as wait } from 'node:timers/promises';
import { Abandoned, type ServerFailure } from '@adtally/pacing';
import { createLogger } from '@adtally/telemetry';
import { expect, test } from 'vitest';
import { ServerStanding, ServerUnusable, untilItAnswers } from './server-standing.ts';

const log = createLogger({ service: 'test', level: 'silent' });
const AWAY: ServerFailure = { kind: 'away', code: 'unreachable', detail: 'connection refused' };
const REFUSED: ServerFailure = { kind: 'refused', code: 'login', detail: 'wrong password' };
const HOPELESS: ServerFailure = { kind: 'hopeless', code: 'certificate', detail: 'expired' };
const REFUSED_MAX_MS = 40;
/** A timer may fire a millisecond early. */
const PAST_MAX_MS = REFUSED_MAX_MS + 5;

function standing(): ServerStanding {
  return new ServerStanding({ title: 'Server', refusedMaxMs: REFUSED_MAX_MS, log });
}

test('before they ever worked together what is hopeless is over at once', () => {
  expect(() => standing().failed(HOPELESS)).toThrow(
    new ServerUnusable('Server cannot be used: expired (certificate)'),
  );
});

test('a refusal is over after so long of nothing else', async () => {
  const refused = standing();
  refused.failed(REFUSED);
  await wait(PAST_MAX_MS);
  expect(() => refused.failed(REFUSED)).toThrow(ServerUnusable);
});

test('a server that was away meanwhile, or answered, begins its time anew', async () => {
  for (const between of [
    (one: ServerStanding) => one.failed(AWAY),
    (one: ServerStanding) => one.answered(),
  ]) {
    const refused = standing();
    refused.failed(REFUSED);
    await wait(PAST_MAX_MS);
    between(refused);
    expect(() => refused.failed(REFUSED)).not.toThrow();
  }
});

test('a server that is away is waited for, and so is everything once they have worked together', async () => {
  const away = standing();
  away.failed(AWAY);
  await wait(PAST_MAX_MS);
  away.failed(AWAY);
  expect(away.failure).toEqual(AWAY);
  away.worked();
  expect(away.failure).toBeUndefined();
  away.failed(REFUSED);
  await wait(PAST_MAX_MS);
  away.failed(REFUSED);
  away.failed(HOPELESS);
  expect(away.failure).toEqual(HOPELESS);
});

test('attempts until it answers; what is no failure of the server is thrown on', async () => {
  const one = standing();
  const { signal } = new AbortController();
  const classify = (error: unknown) => ((error as Error).message === 'away' ? AWAY : null);
  let attempts = 0;
  const attempt = async () => {
    attempts += 1;
    if (attempts < 3) throw new Error('away');
    return 'answer';
  };
  let beats = 0;
  const options = { classify, beat: () => (beats += 1), signal };
  expect(await untilItAnswers(one, attempt, options)).toBe('answer');
  expect([attempts, beats]).toEqual([3, 3]);
  expect(one.failure).toBeUndefined();
  expect(one.hasWorked).toBe(false);
  const bug = () => Promise.reject(new TypeError('a bug'));
  await expect(untilItAnswers(one, bug, options)).rejects.toThrow(TypeError);
});

test('a stop ends the waiting', async () => {
  const stopping = new AbortController();
  const attempt = () => {
    stopping.abort();
    return Promise.reject(new Error('away'));
  };
  const options = { classify: () => AWAY, beat: () => undefined, signal: stopping.signal };
  await expect(untilItAnswers(standing(), attempt, options)).rejects.toThrow(Abandoned);
});
