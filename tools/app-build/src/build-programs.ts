import { relative } from 'node:path';
import { rolldown, type Plugin } from 'rolldown';
import { builtinsAsAsked } from './builtins-as-asked.ts';

export interface ProgramBuild {
  /** Names and the modules they begin with. */
  readonly programs: Readonly<Record<string, string>>;
  /** Gets `NAME.js` of each, and beside them what they share. */
  readonly folder: string;
  /** Of packages' exports beside `node`: `@adtally/source` where sources are built. */
  readonly conditions?: readonly string[];
  /** What else is done with the sources: before them nothing is changed. */
  readonly plugins?: readonly Plugin[];
  /** Node's modules stay imported: whoever replaces what they export is seen by all. */
  readonly importsNode?: boolean;
}

/**
 * Makes each program a few files instead of the 2,500 modules that its process would have to find, read and link
 * (docs/adr/0048). What it looks for beside its modules, and native code, it still finds there, by the way from its folder:
 * so it moves only together with them.
 *
 * @throws where a module is not found or cannot be read
 */
export async function buildPrograms(build: ProgramBuild): Promise<void> {
  const { programs, folder, conditions = [], plugins = [], importsNode = false } = build;
  const bundle = await rolldown({
    input: { ...programs },
    platform: 'node',
    // `import` and `require` come by the kind of each import: packages in two forms need that.
    resolve: { conditionNames: [...conditions, 'node'] },
    // Of these a module that nothing is taken from does nothing: their index files name them all.
    treeshake: { moduleSideEffects: hasEffect },
    plugins: [
      ...plugins,
      ownPlace(folder),
      native(folder),
      ...(importsNode ? [] : [builtinsAsAsked()]),
    ],
    logLevel: 'silent',
  });
  await bundle.write({
    dir: folder,
    format: 'esm',
    // A text of one byte a character is read sooner, and half as large in memory.
    charset: 'ascii',
    comments: { legal: true, annotation: false, jsdoc: false },
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

/** All but modules of our own packages, as sources and deployed, and of the client's protocol, which brings an Avro library and `ajv` along. */
function hasEffect(id: string): boolean {
  return isForeign(id)
    ? !/\/node_modules\/(?:@platformatic\/kafka|ajv)\/(?!.*\/node_modules\/)/.test(id)
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
