import { isBuiltin } from 'node:module';
import type { Plugin } from 'rolldown';

/**
 * Modules of Node that a start may do without: loaded when the first of their exports is used. `tls` has a thread read all root
 * certificates as soon as it is loaded, 26 ms of CPU (Node 24.21).
 */
const WHEN_USED = new Set(['child_process', 'https', 'tls', 'zlib']);
const ID = '\0node:';

/**
 * Takes Node's own modules as `require` does. An `import` asks for each of their exports, so that all is loaded too that is got from
 * yet another module when it is asked for: with `http`, `fetch` and `WebSocket` (undici); with `util`, what compares texts.
 */
export function builtinsAsAsked(): Plugin {
  return {
    name: 'builtins-as-asked',
    resolveId: (source, importer, { kind }) => {
      const name = source.replace(/^node:/, '');
      // What a build itself begins with comes before any module.
      const isTaken =
        kind === 'import-statement' && isBuiltin(source) && importer?.startsWith('\0') === false;
      return isTaken || WHEN_USED.has(name) ? ID + name : null;
    },
    load: (id) => {
      if (!id.startsWith(ID)) return null;
      const name = id.slice(ID.length);
      const module = process.getBuiltinModule(`node:${name}`) as object;
      return WHEN_USED.has(name) ? whenUsed(name, module) : atOnce(name, Object.keys(module));
    },
  };
}

/** What nobody imports of it is not asked for, and left out. */
function atOnce(name: string, names: readonly string[]): string {
  return [
    `const $module = ${builtin(name)};`,
    'const $get = (name) => $module[name];',
    'export default $module;',
    ...names.map((key) => `export const ${key} = /* @__PURE__ */ $get('${key}');`),
  ].join('\n');
}

/** A module of the kind whose exports are read where they are used, for `import` and `require` alike, and replaced there. */
function whenUsed(name: string, module: object): string {
  const described = Object.entries(Object.getOwnPropertyDescriptors(module));
  const names = described.map(([key, { enumerable }]) => [key, enumerable]);
  return `for (const [name, enumerable] of ${JSON.stringify(names)}) {
    Object.defineProperty(exports, name, {
      enumerable,
      configurable: true,
      get: () => ${builtin(name)}[name],
      set: (value) => void (${builtin(name)}[name] = value),
    });
  }`;
}

const builtin = (name: string): string => `process.getBuiltinModule('node:${name}')`;
