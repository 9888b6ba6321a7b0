import type { EnvField } from './field.ts';
import type { EnvSchema } from './load-env.ts';

/** The fields as a Markdown table for a README: what is required first, else in their order. */
export function variablesTable(schema: EnvSchema): string {
  const fields = Object.values(schema);
  const isRequired = (field: EnvField<any>) => field.defaultText === undefined;
  const rows = [...fields.filter(isRequired), ...fields.filter((field) => !isRequired(field))];
  const cells = rows.map((field) => [
    variablesOf(field),
    defaultOf(field),
    field.meaning.replaceAll('|', String.raw`\|`),
  ]);
  const lines = [['variable', 'default', 'meaning'], ...cells].map(
    (row) => `| ${row.join(' | ')} |`,
  );
  return lines.toSpliced(1, 0, '|---|---|---|').join('\n');
}

function variablesOf({ variable, fileVariable }: EnvField<any>): string {
  return fileVariable === undefined ? `\`${variable}\`` : `\`${variable}\`, \`${fileVariable}\``;
}

function defaultOf({ defaultText, defaultWords }: EnvField<any>): string {
  if (defaultWords !== undefined) return defaultWords;
  if (defaultText === undefined) return 'required';
  return defaultText === '' ? 'empty' : `\`${defaultText}\``;
}
