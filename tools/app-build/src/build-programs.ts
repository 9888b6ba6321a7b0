import http from 'node:http';
import { relative } from 'node:path';
import { rolldown, type Plugin } from 'rolldown';

export interface ProgramBuild {
  /** Names and the modules they begin with. */
  readonly programs: Readonly<Record<string, string>>;
  /** Gets `NAME.js` of each, and beside them what they share. */
  readonly folder: string;
  /** Of packages' exports beside `node`: `@adtally/source` where sources are built. */
  readonly conditions?: readonly string[];
  /** What else is done with the sources: before them nothing is changed. */
  readonly plugins?: readonly Plugin[];
}

/**
 * Makes each program a few files instead of the 2,500 modules that its process would have to find, read and link
 * (docs/adr/0048). What it looks for beside its modules, and native code, it still finds there, by the way from its folder:
 * so it moves only together with them.
 *
 * @throws where a module is not found or cannot be read
 */
export async function buildPrograms(build: ProgramBuild): Promise<void> {
  const { programs, folder, conditions = [], plugins = [] } = build;
  const bundle = await rolldown({
    input: { ...programs },
    platform: 'node',
    // `import` and `require` come by the kind of each import: packages in two forms need that.
    resolve: { conditionNames: [...conditions, 'node'] },
    // Of these a module that nothing is taken from does nothing: their index files name them all.
    treeshake: { moduleSideEffects: hasEffect },
    plugins: [...plugins, ownPlace(folder), native(folder), httpWithoutFetch()],
    logLevel: 'silent',
  });
  await bundle.write({
    dir: folder,
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: '[name]-[hash].js',
  });
  await bundle.close();
}

/** Our modules look for files beside them: `new URL('../migrations/', import.meta.url)`. */
function ownPlace(folder: string): Plugin {
  return {
    name: 'own-place',
    transform(code, id) {
      if (!code.includes(OWN_URL) || isForeign(id)) return null;
      const place = JSON.stringify(relative(folder, id));
      return code.replaceAll(OWN_URL, `new URL(${place}, ${OWN_URL}).href`);
    },
  };
}

/** All but modules of our own packages, as sources and deployed, and of the client's protocol, which brings an Avro library along. */
function hasEffect(id: string): boolean {
  return isForeign(id)
    ? !/\/node_modules\/@platformatic\/kafka\/(?!.*\/node_modules\/)/.test(id)
    : !/\/(?:packages|@adtally)\/[a-z-]+\/(?:src|dist)\//.test(id);
}

/** In a deployed folder our own packages lie among the others. */
function isForeign(id: string): boolean {
  return id.includes('/node_modules/') && !id.includes('/node_modules/@adtally/');
}

const OWN_URL = 'import.meta.url';

/** Packages with native code or WebAssembly, which look for it beside their own files. */
const NATIVE =
  /^(?:@confluentinc\/kafka-javascript|@duckdb\/|@node-rs\/|lz4-napi|snappy|@platformatic\/wasm-utils)/;

function native(folder: string): Plugin {
  return {
    name: 'native',
    async resolveId(source, importer, options) {
      if (importer === undefined || !NATIVE.test(source)) return null;
      const resolved = await this.resolve(source, importer, { ...options, skipSelf: true });
      if (resolved === null) return null;
      return { id: relative(folder, resolved.id), external: 'absolute' };
    },
  };
}

/** Got from another module of Node when they are asked for. */
const LAZY_OF_HTTP = new Set(['CloseEvent', 'MessageEvent', 'WebSocket']);
const HTTP_ID = '\0node:http';

/**
 * An `import` of `node:http` asks for each of its exports, so that Node loads its `fetch` and `WebSocket` (undici) too: a tenth
 * of a start (Node 24.21). Taken as `require` takes it, it is the same module without them.
 */
function httpWithoutFetch(): Plugin {
  const names = Object.keys(http).filter((name) => !LAZY_OF_HTTP.has(name));
  return {
    name: 'http-without-fetch',
    resolveId: (source, _importer, { kind }) =>
      /^(?:node:)?http$/.test(source) && kind === 'import-statement' ? HTTP_ID : null,
    load: (id) =>
      id === HTTP_ID
        ? [
            `const http = process.getBuiltinModule('node:http');`,
            'export default http;',
            ...names.map((name) => `export const ${name} = http.${name};`),
          ].join('\n')
        : null,
  };
}
