import { findLines, type Rule } from '../rule.ts';

const TEXT_FILE =
  /(?:\.(?:ts|js|mjs|json|jsonc|ya?ml|md|sql|sh|py|toml|xml|properties|txt)|rc|\/dev|^dev|\/run|Dockerfile|ignore|CODEOWNERS)$/;
/** The canaries of this rule hold what it forbids. */
const EXEMPT = /^tools\/tidy\//;
const HOME_FOLDER = /(?:^|[\s"'`=(:])\/(?:root|home\/[a-z][\w-]*|Users\/\w+)\//;
const REGISTRY_HOST =
  /(?:tarball:\s|^\s*(?:@[\w-]+:)?registry\s*=|https?:\/\/[\w.-]*(?:registry\.|artifactory|nexus|verdaccio|pkg\.dev))/i;

function textFiles(paths: readonly string[]): string[] {
  return paths.filter((path) => TEXT_FILE.test(path) && !EXEMPT.test(path));
}

/** A path below someone's home folder works on one machine only. */
export const noHomePaths: Rule = {
  name: 'no-home-paths',
  check: (tree) =>
    textFiles(tree.paths).flatMap((path) =>
      findLines(tree, path, HOME_FOLDER, 'names a home folder of one machine'),
    ),
};

/** Where packages come from is a setting of the machine, not of the repository. */
export const noRegistryHosts: Rule = {
  name: 'no-registry-hosts',
  check: (tree) =>
    textFiles(tree.paths).flatMap((path) =>
      findLines(tree, path, REGISTRY_HOST, 'names a package registry'),
    ),
};
