import { findLines, isProductSource, isTypeScript, type Rule } from '../rule.ts';

const LINES_MAX = 300;
/** Files that are longer on purpose, each with its reason. */
const LONG_ON_PURPOSE: Readonly<Record<string, string>> = {};
const TOPIC_LITERAL = /['"`]ad-events/;
const TOPIC_REGISTRY = 'packages/event-schema/src/topics.ts';
const TEST_SUPPORT_IMPORT = /(?:from|import\()\s*['"]@adtally\/(?:testkit|[^/'"]+\/testing)['"]/;
/** Tests in all but their length: started by hand, and in no build. */
const LONG_TESTS = [
  'tools/breaking-run/',
  'tools/bench/',
  'tools/chaos/',
  'tools/fuzz/',
  'tools/crash-series/',
  'tools/matrix/',
];
const OWN_TEST_SUPPORT_IMPORT = /(?:from|import\()\s*['"]\.[^'"]*\/testing\/[^'"]+['"]/;

/** Physical topic names are resolved once, in the registry: a literal elsewhere ignores EVENTS_TOPIC. */
export const topicLiterals: Rule = {
  name: 'topic-literals',
  check: (tree) =>
    tree.paths
      .filter((path) => isProductSource(path) && path !== TOPIC_REGISTRY)
      .flatMap((path) =>
        findLines(
          tree,
          path,
          TOPIC_LITERAL,
          `writes a topic's name; take it from ${TOPIC_REGISTRY}`,
        ),
      ),
};

/**
 * What is for tests is a development dependency or in no build: an image that needed it would not start. What a
 * package gives to the tests of others is its `testing/`, beside `src/`.
 */
export const testSupportInTestsOnly: Rule = {
  name: 'test-support-in-tests-only',
  check: (tree) =>
    tree.paths.filter(isProductSource).flatMap((path) => {
      if (LONG_TESTS.some((folder) => path.startsWith(folder))) return [];
      const patterns = path.startsWith('packages/')
        ? [TEST_SUPPORT_IMPORT, OWN_TEST_SUPPORT_IMPORT]
        : [TEST_SUPPORT_IMPORT];
      return patterns.flatMap((pattern) =>
        findLines(tree, path, pattern, 'imports what is for tests outside of a test'),
      );
    }),
};

/** A longer file holds more than one concern, a test's too. Blank lines and comments count: they are read as well. */
export const fileLength: Rule = {
  name: 'file-length',
  check: (tree) =>
    tree.paths.filter(isTypeScript).flatMap((path) => {
      if (Object.hasOwn(LONG_ON_PURPOSE, path)) return [];
      const lines = tree.read(path).trimEnd().split('\n').length;
      if (lines <= LINES_MAX) return [];
      return [{ path, line: undefined, message: `has ${lines} lines; at most ${LINES_MAX}` }];
    }),
};
