import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { buildPrograms } from '@adtally/app-build';
import type { Plugin } from 'rolldown';
import { isProtocolFile } from './protocol.ts';
import { withGates } from './places.ts';

export const REPOSITORY = resolve(import.meta.dirname, '../../..');

export type App = 'ingest-consumer' | 'dlq-reprocessor' | 'dead-queue-alerter' | 'backfill-runner';

export interface CrashBuild {
  /** The path of an app's program with gates. */
  main(app: App): string;
  close(): void;
}

const GATE = join(import.meta.dirname, 'gate.ts');

/**
 * Builds apps with a gate at each await of the protocol: a transformation of the bundler, so the sources know nothing
 * of it and neither does any other build.
 */
export async function crashBuild(apps: readonly App[]): Promise<CrashBuild> {
  const folder = mkdtempSync(join(tmpdir(), 'adtally-crash-build-'));
  const programs = apps.map((app) => {
    const entry = join(folder, `${app}-entry.ts`);
    writeFileSync(entry, entryOf(join(REPOSITORY, 'apps', app, 'src/main.ts')));
    return [app, entry] as const;
  });
  await buildPrograms({
    programs: Object.fromEntries(programs),
    folder,
    conditions: ['@adtally/source'],
    plugins: [gates],
    // The gate replaces what changes files.
    importsNode: true,
  });
  return {
    main: (app) => join(folder, `${app}.js`),
    close: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** The gate first: it sees what is loaded after it. No await, since what the app shares with it lies in this chunk. */
function entryOf(main: string): string {
  return `import ${JSON.stringify(GATE)};\nvoid import(${JSON.stringify(main)});\n`;
}

const gates: Plugin = {
  name: 'gates',
  transform(code, id) {
    const path = relative(REPOSITORY, id);
    return isProtocolFile(path) ? withGates(path, code, GATE) : null;
  },
};
