import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { mskIamToken } from './msk-iam.ts';
import { NoToken, TokenSource } from './token-source.ts';

const LIFE_MS = 60_000;

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'] }));
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
});

test('one token serves all who ask until half of its life is over, and one fetch all who wait', async () => {
  let fetched = 0;
  const source = new TokenSource(() => {
    fetched += 1;
    return Promise.resolve({ value: String(fetched), expiresAtMs: Date.now() + LIFE_MS });
  });
  const values = async () =>
    (await Promise.all([source.current(), source.current()])).map(({ value }) => value);
  expect(await values()).toEqual(['1', '1']);
  vi.advanceTimersByTime(LIFE_MS / 2 - 1);
  expect(await values()).toEqual(['1', '1']);
  vi.advanceTimersByTime(1);
  expect(await values()).toEqual(['2', '2']);
});

test('a fetch that fails is told to all who ask within a second, and then tried again', async () => {
  let isAway = true;
  let asked = 0;
  const source = new TokenSource(() => {
    asked += 1;
    return isAway
      ? Promise.reject(new NoToken('away'))
      : Promise.resolve({ value: 'v', expiresAtMs: Date.now() + LIFE_MS });
  });
  await expect(source.current()).rejects.toThrow('away');
  await expect(source.current()).rejects.toThrow('away');
  expect(asked).toBe(1);
  isAway = false;
  vi.advanceTimersByTime(1_000);
  expect((await source.current()).value).toBe('v');
});

test('for Amazon MSK the token is a request to it, signed with the credentials of the environment', async () => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDEXAMPLE');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'canary');
  const source = new TokenSource(mskIamToken('eu-west-1'));
  const { value, expiresAtMs } = await source.current();
  const request = new URL(Buffer.from(value, 'base64url').toString());
  expect(request.host).toBe('kafka.eu-west-1.amazonaws.com');
  expect(Object.fromEntries(request.searchParams)).toMatchObject({
    Action: 'kafka-cluster:Connect',
    'X-Amz-Credential': expect.stringMatching(/^AKIDEXAMPLE\/\d{8}\/eu-west-1\/kafka-cluster\//),
    'X-Amz-Expires': '900',
  });
  expect(request.href).not.toContain('canary');
  expect(expiresAtMs - Date.now()).toBeGreaterThan(890_000);
});
