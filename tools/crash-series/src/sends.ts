import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { Duplex, Writable } from 'node:stream';

/** What may tell anybody outside of the process anything; a call too many only makes moments shorter. */
const CHANGES_FILES =
  /^f?(?:append|copy|cp|link|mkdir|open|rename|rm|symlink|sync|datasync|truncate|unlink|write)/;
const TELLS = /^(?:write|end|uncork|destroy)$/;

type Method = (this: unknown, ...args: unknown[]) => unknown;

/**
 * Calls `onSend` right before this process writes to a stream, changes a file, or calls an addon, such as the one that
 * talks to Kafka. Only what is loaded afterwards is sure to be seen.
 */
export async function watchSends(onSend: () => void): Promise<void> {
  for (const prototype of [Writable.prototype, Duplex.prototype])
    watch(prototype, (name) => TELLS.test(name), onSend);
  const handle = await fs.promises.open('/dev/null');
  watch(Object.getPrototypeOf(handle) as object, (name) => CHANGES_FILES.test(name), onSend);
  await handle.close();
  for (const functions of [fs, fs.promises])
    watch(functions, (name) => CHANGES_FILES.test(name), onSend);
  syncBuiltinESMExports();
  watchAddons(onSend);
}

function watchAddons(onSend: () => void): void {
  const load = process.dlopen.bind(process);
  process.dlopen = (module: { exports: object }, ...rest) => {
    load(module, ...(rest as [string]));
    for (const value of Object.values(module.exports)) {
      const { prototype } = value as { prototype?: object };
      if (prototype !== undefined) watch(prototype, () => true, onSend);
    }
  };
}

/** Own methods of an object whose names are chosen call `onSend` first. */
function watch(target: object, chosen: (name: string) => boolean, onSend: () => void): void {
  for (const [name, property] of Object.entries(Object.getOwnPropertyDescriptors(target))) {
    const method: unknown = property.value;
    const isChosen = typeof method === 'function' && name !== 'constructor' && chosen(name);
    if (!isChosen || property.writable !== true || isClass(name)) continue;
    const watched: Method = function watched(...args) {
      onSend();
      return (method as Method).apply(this, args);
    };
    // Some carry functions of their own, such as `realpath.native`.
    Object.defineProperties(watched, Object.getOwnPropertyDescriptors(method));
    Object.defineProperty(target, name, { ...property, value: watched });
  }
}

function isClass(name: string): boolean {
  return /^[A-Z]/.test(name);
}
