import { moduleGraph, workspaceOf } from '../module-graph.ts';
import { isProductSource, type Rule } from '../rule.ts';

/** Files of a package that stand there although one app alone uses them: a path, or a folder with `/`. */
const SHARED_ON_PURPOSE: Readonly<Record<string, string>> = {
  'packages/alerting/':
    'the alerter writes incidents and operators acknowledge them: one state machine',
  'packages/analytics/': 'the audit sums up rollups by the text that the worker sums them up by',
  'packages/archive/':
    'what goes there and what comes back share the text of a row, the manifest and the stores',
  'packages/kafka/src/direct/topic-setting.ts': 'it speaks to brokers, as this package alone does',
  'packages/event-schema/src/read-event.ts':
    'what an event is as an object is part of the contract',
  'packages/db/src/database-now.ts': 'retention and the rollups of analytics go by one clock',
  'packages/db/src/dead-letter-refs.ts':
    'part of the write path: rows of the transaction that moves the cursors',
  'packages/db/src/retention/':
    'what leaves with a day: the archive goes by it, and the audit holds it against the ledger',
  'packages/letters/':
    'its two halves, life/ and hand/, share the states of a letter and the order of locks',
  'packages/pipeline/src/dead-letters.ts':
    'a step of the commit protocol: whoever tests the protocol, or against it, commits rejections by it',
};

/**
 * A file of a package that one app alone uses stands in that app, with the team that answers for it: then a
 * change of it builds and tests that app only. Uses count through any number of files; tools own nothing.
 */
export const oneAppFiles: Rule = {
  name: 'one-app-files',
  check: (tree) => {
    const apps = appsByFile(tree);
    const files = tree.paths.filter(
      (path) => path.startsWith('packages/') && isProductSource(path),
    );
    const ofOneApp = files.filter((path) => apps.get(path)?.size === 1);
    const idle = Object.keys(SHARED_ON_PURPOSE).filter(
      (place) =>
        files.some((path) => isIn(place, path)) && !ofOneApp.some((path) => isIn(place, path)),
    );
    return [
      ...ofOneApp
        .filter((path) => !isSharedOnPurpose(path))
        .map((path) => {
          const [app] = apps.get(path) ?? [];
          return { path, line: undefined, message: `only ${app} uses it: move it there` };
        }),
      ...idle.map((path) => ({ path, line: undefined, message: 'needs no exception any more' })),
    ];
  },
};

function isSharedOnPurpose(path: string): boolean {
  return Object.keys(SHARED_ON_PURPOSE).some((place) => isIn(place, path));
}

function isIn(place: string, path: string): boolean {
  return path === place || (place.endsWith('/') && path.startsWith(place));
}

/** The apps from which each file is reached. */
function appsByFile(tree: Parameters<Rule['check']>[0]): Map<string, Set<string>> {
  const { uses } = moduleGraph(tree);
  const apps = new Map<string, Set<string>>();
  const visit = (path: string, app: string): void => {
    const known = apps.get(path) ?? new Set();
    if (known.has(app)) return;
    apps.set(path, known.add(app));
    for (const used of uses.get(path) ?? []) visit(used, app);
  };
  for (const path of uses.keys()) {
    if (path.startsWith('apps/')) visit(path, workspaceOf(path));
  }
  return apps;
}
