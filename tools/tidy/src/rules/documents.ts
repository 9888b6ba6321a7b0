import { posix } from 'node:path';
import { findMatches, type Rule } from '../rule.ts';

/** Records of their day, and what a reader is about to make: they name files that are not there. */
const NAMES_OTHER_FILES = /^(?:docs\/adr|findings)\/|^docs\/how-to-/;
const LINK = /\]\((?!\w+:|#)([^)#\s]+)/g;
/** `replayer.ts`, `src/main.ts`: as much of the path as tells it apart. */
const QUOTED_SOURCE = /`((?:[\w.-]+\/)*\w[\w.-]*\.ts)`/g;

/** What a document links to can be opened, and a source file that it names is still called so. */
export const documentPaths: Rule = {
  name: 'document-paths',
  check: (tree) => {
    const isFolder = (place: string): boolean =>
      tree.paths.some((path) => path.startsWith(`${place.replace(/\/$/, '')}/`));
    return tree.paths
      .filter((path) => path.endsWith('.md') && !NAMES_OTHER_FILES.test(path))
      .flatMap((path) => [
        ...findMatches(tree, path, LINK, ([, link = '']) => {
          const place = posix.join(posix.dirname(path), link);
          if (tree.paths.includes(place) || isFolder(place)) return undefined;
          return `${link} does not exist`;
        }),
        ...findMatches(tree, path, QUOTED_SOURCE, ([, name = '']) => {
          const isThere = tree.paths.some((one) => one === name || one.endsWith(`/${name}`));
          return isThere ? undefined : `no file is called ${name}`;
        }),
      ]);
  },
};
