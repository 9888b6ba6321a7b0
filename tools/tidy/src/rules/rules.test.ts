import { describe, expect, test } from 'vitest';

import { memoryTree } from '../tree.ts';
import { RULES } from './index.ts';

interface Canary {
  readonly bad: Readonly<Record<string, string>>;
  readonly good: Readonly<Record<string, string>>;
  /** How many findings `bad` must give. */
  readonly findings: number;
}

const SCHEMA = 'export interface Schema {\n  letters: LettersTable;\n  sources: SourcesTable;\n}';
const LONG = 'const a = 1;\n'.repeat(301);

const CANARIES: Readonly<Record<string, Canary>> = {
  'architecture-paths': {
    bad: {
      'docs/architecture.md': [
        '## Which file to open for what',
        '| a | `apps/a/src/a.ts`, `gone.ts` |',
        '| b | `apps/b/` |',
      ].join('\n'),
      'apps/a/src/a.ts': '',
    },
    good: {
      'docs/architecture.md': [
        '## Which file to open for what',
        '| a `not/a/path` | `apps/a/src/a.ts`, `b.ts` |',
        '| b | `apps/a/src/` |',
        '## Next',
        '| c | `apps/c/` |',
      ].join('\n'),
      'apps/a/src/a.ts': '',
      'apps/a/src/b.ts': '',
    },
    findings: 2,
  },
  'central-versions': {
    bad: {
      'package.json': '{"devDependencies": {"knip": "^6.0.0"}}',
      'packages/a/package.json': '{"dependencies": {"pg": "8.0.0", "@adtally/b": "workspace:^"}}',
    },
    good: {
      'package.json': '{"devDependencies": {"knip": "6.0.0", "vitest": "catalog:"}}',
      'packages/a/package.json':
        '{"dependencies": {"pg": "catalog:", "@adtally/b": "workspace:*"}}',
    },
    findings: 3,
  },
  'document-paths': {
    bad: {
      'README.md': 'see [how](docs/gone.md), [it](apps/a/) and `a.ts` with `src/main.ts`',
      'apps/b/README.md': '`main.ts` is next to [the code](src/other.ts#there)',
      'apps/b/src/main.ts': '',
    },
    good: {
      'README.md':
        '[b](apps/b), [its code](apps/b/src/main.ts#l1), [a site](https://a.example/b.md)',
      'apps/b/README.md': '[above](../../README.md#x), [here](#there), `src/main.ts`, `main.ts`',
      'apps/b/src/main.ts': '',
      'docs/adr/0001-a.md': '`long-gone.ts`',
      'docs/how-to-add-a-b.md': '`to-be-made.ts`',
    },
    findings: 4,
  },
  'file-length': {
    bad: { 'packages/a/src/long.ts': LONG, 'packages/a/test/long.test.ts': LONG },
    good: {
      'packages/a/src/short.ts': 'const a = 1;\n'.repeat(300),
      'packages/db/migrations/0001_long.sql': LONG,
    },
    findings: 2,
  },
  'migration-numbers': {
    bad: {
      'packages/db/migrations/0001_first.sql': '',
      'packages/db/migrations/0003_third.sql': '',
      'packages/db/migrations/0003_twice.sql': '',
      'packages/db/migrations/later.sql': '',
    },
    good: {
      'packages/db/migrations/0001_first.sql': '',
      'packages/db/migrations/0002_second.sql': '',
    },
    findings: 3,
  },
  'no-circles': {
    bad: {
      'packages/p/src/a.ts': "import { b } from './b.ts';",
      'packages/p/src/b.ts': "import { c } from './c.ts';\nimport { d } from './d.ts';",
      'packages/p/src/c.ts': "import type { A } from './a.ts';",
      'packages/p/src/d.ts': '',
      'apps/a/src/main.ts': "const run = () => import('./run.ts');",
      'apps/a/src/run.ts': "export { run } from './main.ts';",
      // By way of the package's own index, of names given anew, and past a comment with an apostrophe.
      'packages/q/src/index.ts': "export { b as other } from './b.ts';",
      'packages/q/src/a.ts': "import { other } from './index.ts';",
      'packages/q/src/b.ts': "import {\n  // a's own\n  a,\n} from './a.ts';",
      'packages/q/src/c.ts': "let d: import('./d.ts').D;",
      'packages/q/src/d.ts': "export * from './c.ts';",
    },
    good: {
      'packages/p/src/index.ts': "export { a } from './a.ts';\nexport { b } from './b.ts';\n",
      'packages/p/src/a.ts': "import { b } from './b.ts';\nimport { c } from './c.ts';",
      'packages/p/src/b.ts': "import { c } from './c.ts';",
      'packages/p/src/c.ts': '',
      'apps/a/src/main.ts': "import { a, b } from '@adtally/p';",
      'packages/q/src/index.ts': "export { a } from './a.ts';\nexport { b as c } from './b.ts';\n",
      'packages/q/src/b.ts': "import { a } from './index.ts';",
      'packages/q/src/a.ts': '// import { c } from "./index.ts";',
    },
    findings: 4,
  },
  'no-home-paths': {
    bad: {
      'docs/a.md': 'see /home/someone/project/a',
      'packages/a/src/a.ts': "const a = '/root/data';",
    },
    good: { 'docs/a.md': 'a route /api/home/page and $HOME/.cache and src/root/a' },
    findings: 2,
  },
  'no-registry-hosts': {
    bad: {
      '.npmrc': 'registry=http://packages.example/npm/',
      'pnpm-lock.yaml': '    resolution: {tarball: https://packages.example/a.tgz}',
    },
    good: { '.npmrc': 'engine-strict=true', 'pnpm-lock.yaml': 'resolution: {integrity: sha512-a}' },
    findings: 2,
  },
  'one-app-files': {
    bad: {
      'apps/a/src/main.ts': "import { one } from '@adtally/p';",
      'packages/p/src/index.ts':
        "export { one } from './one.ts';\nexport { both } from './both.ts';\n",
      'packages/p/src/one.ts': "import { deep } from './deep.ts';",
      'packages/p/src/deep.ts': '',
      'packages/p/src/both.ts': '',
      // An entry that is a folder; a name that is given anew.
      'apps/a/src/env.ts': "import { ENV as P } from '@adtally/p/env';",
      'packages/p/src/env/index.ts': "export { FIELDS as ENV } from './fields.ts';",
      'packages/p/src/env/fields.ts': '',
      // An exception for what all use.
      'apps/a/src/admin.ts': "import '@adtally/kafka';",
      'apps/b/src/admin.ts': "import '@adtally/kafka';",
      'packages/kafka/src/index.ts': "export { admin } from './direct/topic-setting.ts';",
      'packages/kafka/src/direct/topic-setting.ts': '',
    },
    good: {
      'apps/a/src/main.ts': "import { both } from '@adtally/p';",
      'apps/b/src/main.ts': "import { type Other, both } from '@adtally/p';",
      'packages/p/src/index.ts':
        "export { one } from './one.ts';\nexport { type Other, both } from './both.ts';\n",
      'packages/p/src/one.ts': 'export const one = 1;',
      'packages/p/src/both.ts': "import { one } from './one.ts';",
      'packages/kafka/src/direct/topic-setting.ts': '',
      'packages/kafka/src/index.ts': "export { admin } from './direct/topic-setting.ts';",
      'apps/a/src/admin.ts': "import { admin } from '@adtally/kafka';",
      'apps/a/src/env.ts': "import { ENV } from '@adtally/p/env';",
      'apps/b/src/env.ts': "import { ENV } from '@adtally/p/env';",
      'packages/p/src/env.ts': '',
    },
    findings: 4,
  },
  'started-apps': {
    bad: {
      'apps/a/package.json': '{}',
      'apps/b/package.json': '{}',
      'apps/a/test/a.ts': "new URL('../../b/src/main.ts', import.meta.url);",
      'tools/t/turbo.json': '{"tasks": {"test": {"dependsOn": ["@adtally/b#transit"]}}}',
      'tools/t/src/t.ts':
        "start('a'); const start = (app) => join(root, 'apps', app, 'src/main.ts');",
      'packages/p/test/p.ts':
        "join(root, 'apps', 'a', 'src/main.ts');\njoin(root, 'apps/b', 'src', 'main.ts');",
      'tools/u/package.json': '{"devDependencies": {"@adtally/t": "workspace:*"}}',
      'tools/u/test/u.ts': "trial('a');",
    },
    good: {
      'apps/a/package.json': '{}',
      'apps/b/package.json': '{}',
      'apps/a/turbo.json':
        '{"tasks": {"test": {"dependsOn": ["$TURBO_EXTENDS$", "@adtally/b#transit"]}}}',
      'apps/a/test/a.ts': "new URL('../../b/src/main.ts', import.meta.url); '../src/main.ts'",
      'packages/p/src/p.ts': "sign('a');",
    },
    findings: 6,
  },
  'plain-sql-by-builder': {
    bad: {
      'packages/db/src/schema.ts': SCHEMA,
      'packages/a/src/a.ts': [
        'await sql`SELECT code, count(*) FROM letters WHERE code = ${code}`.execute(db);',
        'const { rows } = await sql<{ n: bigint }>`',
        '  SELECT extract(epoch FROM max(at)) AS n FROM letters JOIN sources USING (source_id)`.execute(trx);',
      ].join('\n'),
      'apps/a/src/b.ts': [
        'await sql`UPDATE letters SET code = ${code} WHERE id = ${id} RETURNING id`.execute(db);',
        'await sql`INSERT INTO letters (id) VALUES (${id})`.execute(db);',
        'await sql`DELETE FROM letters`.execute(db);',
      ].join('\n'),
    },
    good: {
      'packages/db/src/schema.ts': SCHEMA,
      'packages/a/src/a.ts': [
        'await sql`SELECT pg_advisory_xact_lock(1)`.execute(db);',
        'await sql`SET LOCAL jit = off`.execute(db);',
        'await sql`LOCK TABLE letters IN SHARE MODE`.execute(db);',
        'await sql`SELECT relname FROM pg_class`.execute(db);',
        'await sql`SELECT extract(epoch FROM clock_timestamp()) AS now`.execute(db);',
        'await sql`SELECT lost FROM accept_loss(${id})`.execute(db);',
        'await sql`DELETE FROM ${sql.table(name)}`.execute(db);',
        'await sql`WITH old AS (DELETE FROM letters RETURNING *) SELECT * FROM old`.execute(db);',
        'await sql`INSERT INTO letters (id) SELECT * FROM unnest(${ids}::int[])`.execute(db);',
        'await sql`SELECT id FROM letters WHERE id < (SELECT max(id) FROM letters)`.execute(db);',
        'await db.selectFrom("letters").where(sql`code = ANY (${codes})`).execute();',
        'const part = sql`SELECT id FROM letters`;',
        'await session.query("SELECT id FROM letters");',
        '// await sql`SELECT id FROM letters`.execute(db);',
      ].join('\n'),
      'packages/a/src/a.test.ts': 'await sql`SELECT id FROM letters`.execute(db);',
    },
    findings: 5,
  },
  'test-support-in-tests-only': {
    bad: {
      'packages/a/src/a.ts': "import { x } from '@adtally/testkit';",
      'packages/a/src/b.ts': "import { x } from '@adtally/db/testing';",
      'packages/a/src/c.ts': "import { x } from '../testing/x.ts';",
    },
    good: {
      'packages/a/src/a.test.ts': "import { x } from '@adtally/testkit';",
      'packages/a/testing/x.ts': "import { x } from '@adtally/testkit';",
    },
    findings: 3,
  },
  'topic-literals': {
    bad: {
      'apps/a/src/a.ts': "const topic = 'ad-events';",
      'tools/a/src/a.ts': 'const topic = `ad-events.dlq`;',
    },
    good: {
      'packages/event-schema/src/topics.ts': "const topic = 'ad-events';",
      'apps/a/src/a.test.ts': "const topic = 'ad-events';",
    },
    findings: 2,
  },
  'typecheck-script': {
    bad: {
      'packages/a/package.json': '{"scripts": {"build": "tsc"}}',
      'apps/a/package.json': '{}',
    },
    good: { 'packages/a/package.json': '{"scripts": {"typecheck": "tsc"}}' },
    findings: 2,
  },
};

test('the rule of plain statements does not pass where it finds no tables to go by', () => {
  const rule = RULES.find(({ name }) => name === 'plain-sql-by-builder');
  expect(rule?.check(memoryTree({ 'packages/a/src/a.ts': '' }))).toHaveLength(1);
});

test('every rule has a canary', () => {
  const names = RULES.map((rule) => rule.name).toSorted();
  expect(names).toEqual(Object.keys(CANARIES).toSorted());
});

describe.each(RULES)('rule $name', ({ name, check }) => {
  test('finds every fault of its canary', () => {
    const canary = CANARIES[name];
    expect(check(memoryTree(canary?.bad ?? {}))).toHaveLength(canary?.findings ?? Number.NaN);
  });

  test('lets the right form pass', () => {
    expect(check(memoryTree(CANARIES[name]?.good ?? {}))).toEqual([]);
  });
});
