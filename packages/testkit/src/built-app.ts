import { join } from 'node:path';
import { builtApps } from './env.ts';

const APP_MAIN = /^(?<root>.*\/)apps\/(?<app>[^/]+)\/src\/main\.ts$/;

/**
 * What to start for an app's main.ts: its build where `./dev test` made one of the same sources, since that takes a quarter
 * of the CPU until it runs (docs/adr/0048); else the sources themselves.
 */
export function builtApp(main: string): string {
  const folder = builtApps();
  const { root, app } = APP_MAIN.exec(main)?.groups ?? {};
  // A copy of the workspace has sources of its own.
  if (folder === undefined || root === undefined || !folder.startsWith(root)) return main;
  return join(folder, `${app}.js`);
}
