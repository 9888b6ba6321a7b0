import { expect, test, vi } from 'vitest';
import { builtApp } from './built-app.ts';

test('a build is started for the sources that it was made of, and for no other', () => {
  vi.stubEnv('ADTALLY_BUILT_APPS', '/a/.local/tested-apps');
  expect(builtApp('/a/apps/any/src/main.ts')).toBe('/a/.local/tested-apps/any.js');
  expect(builtApp('/copy-of-a/apps/any/src/main.ts')).toBe('/copy-of-a/apps/any/src/main.ts');
  expect(builtApp('/a/tools/cli/src/main.ts')).toBe('/a/tools/cli/src/main.ts');
  vi.stubEnv('ADTALLY_BUILT_APPS', '');
  expect(builtApp('/a/apps/any/src/main.ts')).toBe('/a/apps/any/src/main.ts');
  vi.unstubAllEnvs();
});
