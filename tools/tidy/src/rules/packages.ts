import type { Finding, Rule } from '../rule.ts';
import type { SourceTree } from '../tree.ts';

const PACKAGE_FILE = /^(?:apps|packages|tools)\/[^/]+\/package\.json$/;
const ROOT_PACKAGE = 'package.json';
const CENTRAL = /^(?:catalog:|workspace:\*$)/;
const EXACT = /^(?:catalog:$|\d+\.\d+\.\d+$)/;
const GROUPS = ['dependencies', 'devDependencies', 'optionalDependencies', 'peerDependencies'];

type Manifest = Readonly<Record<string, Readonly<Record<string, string>> | undefined>>;

function manifest(tree: SourceTree, path: string): Manifest {
  return JSON.parse(tree.read(path)) as Manifest;
}

/** turbo skips a package without the script in silence, so every package must have it. */
export const typecheckScript: Rule = {
  name: 'typecheck-script',
  check: (tree) =>
    tree.paths
      .filter((path) => PACKAGE_FILE.test(path))
      .filter((path) => manifest(tree, path)['scripts']?.['typecheck'] === undefined)
      .map((path) => ({ path, line: undefined, message: 'has no script "typecheck"' })),
};

function checkVersions(tree: SourceTree, path: string): Finding[] {
  const json = manifest(tree, path);
  const allowed = path === ROOT_PACKAGE ? EXACT : CENTRAL;
  const wanted = path === ROOT_PACKAGE ? 'an exact version' : '"catalog:" or "workspace:*"';
  return GROUPS.flatMap((group) => Object.entries(json[group] ?? {}))
    .filter(([, version]) => !allowed.test(version))
    .map(([name, version]) => ({
      path,
      line: undefined,
      message: `${name} is "${version}"; it must be ${wanted}`,
    }));
}

/** Each shared version stands once, in pnpm-workspace.yaml; root tools are exact. */
export const centralVersions: Rule = {
  name: 'central-versions',
  check: (tree) =>
    tree.paths
      .filter((path) => path === ROOT_PACKAGE || PACKAGE_FILE.test(path))
      .flatMap((path) => checkVersions(tree, path)),
};
