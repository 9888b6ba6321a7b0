import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { rolldown, type Plugin } from 'rolldown';
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
/** Packages of many small modules, of which half of an app's start consists. Others find their own files. */
const BUNDLED = /node_modules\/\.pnpm\/(?:kysely|typebox|@opentelemetry|ioredis|commander)/;

/**
 * Builds apps with a gate at each await of the protocol: a transformation of the bundler, so the sources know nothing
 * of it and neither does any other build.
 */
export async function crashBuild(apps: readonly App[]): Promise<CrashBuild> {
  const folder = mkdtempSync(join(tmpdir(), 'adtally-crash-build-'));
  await Promise.all(
    apps.map(async (app) => {
      const entry = join(folder, `${app}.ts`);
      writeFileSync(entry, entryOf(join(REPOSITORY, 'apps', app, 'src/main.ts')));
      const bundle = await rolldown({
        input: { main: entry },
        platform: 'node',
        resolve: { conditionNames: ['@adtally/source', 'node', 'import', 'default'] },
        plugins: [gates, ownUrl, external],
      });
      await bundle.write({ dir: join(folder, app), format: 'esm' });
      await bundle.close();
    }),
  );
  return {
    main: (app) => join(folder, app, 'main.js'),
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

/** A bundle lies elsewhere than its sources, which look for files beside them. */
const ownUrl: Plugin = {
  name: 'own-url',
  transform(code, id) {
    if (id.includes('node_modules') || !code.includes('import.meta.')) return null;
    const url = JSON.stringify(pathToFileURL(id).href);
    return code
      .replaceAll('import.meta.url', url)
      .replaceAll('import.meta.dirname', JSON.stringify(resolve(id, '..')));
  },
};

const external: Plugin = {
  name: 'external',
  async resolveId(source, importer, options) {
    if (importer === undefined || source.startsWith('.') || source.startsWith('node:')) return null;
    const resolved = await this.resolve(source, importer, { ...options, skipSelf: true });
    if (resolved === null || resolved.external) return resolved;
    const isExternal = resolved.id.includes('/node_modules/') && !BUNDLED.test(resolved.id);
    return isExternal ? { id: resolved.id, external: true } : resolved;
  },
};
