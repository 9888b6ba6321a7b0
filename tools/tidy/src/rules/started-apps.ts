import { workspaceOf } from '../module-graph.ts';
import type { Finding, Rule } from '../rule.ts';
import type { SourceTree } from '../tree.ts';

const TYPESCRIPT = /^(?:apps|packages|tools)\/[^/]+\/(?:src|test)\/.+\.ts$/;
const APP_MANIFEST = /^apps\/([^/]+)\/package\.json$/;
/** Starts whatever app it is given: `join(root, 'apps', app, 'src/main.ts')`, `apps/${app}/src/main.ts`. */
const BY_NAME = /['"`]apps['"`],\s*[a-z]|apps\/\$\{/i;
const BETWEEN = String.raw`(?:/|['"\`],\s*['"\`])`;
const DEPENDENCY = /"@adtally\/([^"]+)": "workspace:/g;
const EDGE = /^@adtally\/([^/]+)#transit$/;
/** Its tests run after any change. */
const EXEMPT = 'tools/tidy';

/**
 * An app is started, never imported, so no manifest tells that a package's tests need it: the package's
 * `turbo.json` must, or a change in that app would not run them.
 */
export const startedApps: Rule = {
  name: 'started-apps',
  check: (tree) => {
    const apps = tree.paths.flatMap((path) => APP_MANIFEST.exec(path)?.[1] ?? []);
    const sources = Map.groupBy(
      tree.paths.filter((path) => TYPESCRIPT.test(path)),
      workspaceOf,
    );
    return [...sources].flatMap(([workspace, paths]) => {
      if (workspace === EXEMPT) return [];
      // A tool may start apps for whoever uses it.
      const used = usedTools(tree, workspace).flatMap((tool) => sources.get(tool) ?? []);
      const texts = [...paths, ...used].map((path) => tree.read(path));
      const others = apps.filter((app) => workspace !== `apps/${app}`);
      return compare(workspace, startedIn(texts, others), declaredIn(tree, workspace));
    });
  },
};

function usedTools(tree: SourceTree, workspace: string): string[] {
  const manifest = `${workspace}/package.json`;
  if (!tree.paths.includes(manifest)) return [];
  return [...tree.read(manifest).matchAll(DEPENDENCY)].map(([, name = '']) => `tools/${name}`);
}

function startedIn(texts: readonly string[], apps: readonly string[]): Set<string> {
  const startsByName = texts.some((text) => BY_NAME.test(text));
  const started = apps.filter((app) => {
    // In one text, or in the parts of a path: `'../../ops/src/main.ts'`, `'apps', 'ops', 'src/main.ts'`.
    const main = new RegExp(`['"\`/]${[app, 'src', 'main\\.ts'].join(BETWEEN)}`);
    const name = new RegExp(`['"\`]${app}['"\`]`);
    return texts.some((text) => main.test(text) || (startsByName && name.test(text)));
  });
  return new Set(started);
}

interface TurboConfig {
  readonly tasks?: { readonly test?: { readonly dependsOn?: readonly string[] } };
}

function declaredIn(tree: SourceTree, workspace: string): Set<string> {
  const path = `${workspace}/turbo.json`;
  if (!tree.paths.includes(path)) return new Set();
  const { tasks } = JSON.parse(tree.read(path)) as TurboConfig;
  return new Set((tasks?.test?.dependsOn ?? []).flatMap((task) => EDGE.exec(task)?.[1] ?? []));
}

function compare(
  workspace: string,
  started: ReadonlySet<string>,
  declared: ReadonlySet<string>,
): Finding[] {
  const finding = (message: string): Finding => ({
    path: `${workspace}/turbo.json`,
    line: undefined,
    message,
  });
  return [
    ...[...started.difference(declared)].map((app) =>
      finding(`${app} is started here: test must depend on @adtally/${app}#transit`),
    ),
    ...[...declared.difference(started)].map((app) =>
      finding(`${app} is not started here: test need not depend on it`),
    ),
  ];
}
