import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { troubleCode } from '../trouble.ts';
import { clientCredentials } from './client-credentials.ts';
import { mskIamTokens } from './msk-iam.ts';
import { NoToken, type OAuthToken, type TokenGiver, TokenSource } from './token-source.ts';

const LIFE_MS = 60_000;
const LONG_MS = 15_000;

function sourceOf(fetch: TokenGiver['fetch'], name = 'any'): TokenSource {
  return new TokenSource({ name, fetch });
}

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'] }));
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
});

test('one token serves all who ask until half of its life is over, and one fetch all who wait', async () => {
  let fetched = 0;
  const source = sourceOf(() => {
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
  const source = sourceOf(() => {
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

test('a token serves to its end while no new one can be had: refused or never answered', async () => {
  let give: () => Promise<OAuthToken> = () =>
    Promise.resolve({ value: 'old', expiresAtMs: Date.now() + LIFE_MS });
  const source = sourceOf(() => give());
  const old = await source.current();
  await vi.advanceTimersByTimeAsync(0.6 * LIFE_MS);
  give = () => Promise.reject(new NoToken('away'));
  expect(await source.current()).toBe(old);
  await vi.advanceTimersByTimeAsync(1_000);
  give = () => new Promise(() => undefined);
  const asked = source.current();
  // Sooner than the connection that waits for it would be given up.
  await vi.advanceTimersByTimeAsync(3_000);
  expect(await asked).toBe(old);
  await vi.advanceTimersByTimeAsync(LIFE_MS);
  give = () => Promise.reject(new NoToken('away'));
  await expect(source.current()).rejects.toThrow('away');
});

test.each([
  mskIamTokens('eu-west-1'),
  clientCredentials({ tokenUrl: 'https://idp/token', clientId: '', clientSecret: '', scope: '' }),
])('a fetch that never ends is given up, and $name is what is away', async ({ name }) => {
  let answers = false;
  const signals: AbortSignal[] = [];
  const source = sourceOf((signal) => {
    signals.push(signal);
    return answers
      ? Promise.resolve({ value: 'v', expiresAtMs: Date.now() + LIFE_MS })
      : new Promise(() => undefined);
  }, name);
  const failure = source.current().then(
    () => null,
    (error: unknown) => error as Error,
  );
  await vi.advanceTimersByTimeAsync(LONG_MS);
  const given = await Promise.race([failure, Promise.resolve(null)]);
  expect(given).toBeInstanceOf(NoToken);
  expect(troubleCode(given?.message ?? '')).toBe('token_unavailable');
  expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
  answers = true;
  await vi.advanceTimersByTimeAsync(1_000);
  expect((await source.current()).value).toBe('v');
});

test('for Amazon MSK the token is a request to it, signed with the credentials of the environment', async () => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDEXAMPLE');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'canary');
  const source = new TokenSource(mskIamTokens('eu-west-1'));
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
