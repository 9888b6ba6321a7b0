import { parseSync, Visitor, type TaggedTemplateExpression } from 'oxc-parser';
import { isProductSource, type Finding, type Rule } from '../rule.ts';
import type { SourceTree } from '../tree.ts';

const SCHEMA = 'packages/db/src/schema.ts';

/** Files whose plain statements are texts although the builder knows their tables. */
const TEXT_ON_PURPOSE: Readonly<Record<string, string>> = {
  'packages/analytics/src/apply-late.ts':
    'which bases are spoiled is told by the text that they are locked by',
};

const TARGET = /^(?:SELECT\b.*?\bFROM|INSERT\s+INTO|UPDATE|DELETE\s+FROM)\s+(\w+)/is;

/** What the builder cannot say, or says worse than SQL does. */
const CALLS_FOR_TEXT: readonly RegExp[] = [
  /^WITH\b/i,
  /\bSELECT\b.*\bSELECT\b/is,
  /\b(?:UNNEST|OVER)\s*\(/i,
  /\bLATERAL\b/i,
  /\bGROUPING\s+SETS\b/i,
];

/**
 * A template that is a plain statement on tables of `Schema` is written with the builder, which checks its
 * columns and types its rows (docs/adr/0011-builder-templates-and-texts.md). Looked at are templates that
 * are executed where they stand; a fragment inside a statement may be anything.
 */
export const plainSqlByBuilder: Rule = {
  name: 'plain-sql-by-builder',
  check: (tree) => {
    const tables = tablesOfSchema(tree);
    if (tables.size === 0) {
      return [{ path: SCHEMA, line: undefined, message: 'declares no table of Schema to go by' }];
    }
    return tree.paths
      .filter((path) => isProductSource(path) && !(path in TEXT_ON_PURPOSE))
      .flatMap((path) => plainStatements(path, tree.read(path), tables));
  },
};

function tablesOfSchema(tree: SourceTree): Set<string> {
  const tables = new Set<string>();
  if (!tree.paths.includes(SCHEMA)) return tables;
  new Visitor({
    TSInterfaceDeclaration({ id, body }) {
      if (id.name !== 'Schema') return;
      for (const member of body.body) {
        if (member.type === 'TSPropertySignature' && member.key.type === 'Identifier') {
          tables.add(member.key.name);
        }
      }
    },
  }).visit(parseSync(SCHEMA, tree.read(SCHEMA)).program);
  return tables;
}

function plainStatements(path: string, text: string, tables: ReadonlySet<string>): Finding[] {
  if (!text.includes('sql')) return [];
  const findings: Finding[] = [];
  new Visitor({
    CallExpression({ callee, start }) {
      if (callee.type !== 'MemberExpression' || callee.property.type !== 'Identifier') return;
      if (callee.property.name !== 'execute' || !isSqlTemplate(callee.object)) return;
      const table = plainTarget(statementOf(callee.object));
      if (table === undefined || !tables.has(table)) return;
      const line = text.slice(0, start).split('\n').length;
      findings.push({ path, line, message: `is a plain statement on ${table}: use the builder` });
    },
  }).visit(parseSync(path, text).program);
  return findings;
}

function isSqlTemplate(node: { readonly type: string }): node is TaggedTemplateExpression {
  if (node.type !== 'TaggedTemplateExpression') return false;
  const { tag } = node as TaggedTemplateExpression;
  return tag.type === 'Identifier' && tag.name === 'sql';
}

/** Its text, values left out. */
function statementOf({ quasi }: TaggedTemplateExpression): string {
  return quasi.quasis
    .map(({ value }) => value.raw)
    .join(' ? ')
    .trim();
}

/** The table that a statement is about where nothing in it calls for text. */
function plainTarget(statement: string): string | undefined {
  if (CALLS_FOR_TEXT.some((feature) => feature.test(statement))) return undefined;
  return TARGET.exec(withoutParentheses(statement))?.[1];
}

/** `extract(epoch FROM ...)` names no table. */
function withoutParentheses(statement: string): string {
  const outer = statement.replaceAll(/\([^()]*\)/g, ' ');
  return outer === statement ? outer : withoutParentheses(outer);
}
