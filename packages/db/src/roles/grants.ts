import { CommandError, EXIT } from '@adtally/command-line';
import { sql } from 'kysely';
import type { DatabaseExecutor } from '../database.ts';
import { OWNERS_FUNCTIONS, ROLES, type Role } from './rights.ts';

/**
 * The script that makes the roles: for a role that has CREATEROLE, once a server. It need not own anything; the
 * tables' rights are granted by their owner in `migrate` (`grantRights`).
 *
 * @param owner the role that migrates and owns the tables
 */
export function rolesScript(owner: string): string {
  const roles = ROLES.map(
    ({ name, whose }) => `
-- ${whose}
SELECT 'CREATE ROLE ${name} LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '${name}') \\gexec
GRANT ${name} TO ${quoted(owner)};`,
  );
  return `-- Roles of their own for the services of Adtally. For psql, as a role with CREATEROLE:
--   psql "$ADMIN_DATABASE_URL" -v ON_ERROR_STOP=1 -f this-file
-- Then give each a password (\\password adtally_ingest), run the migration job as ${owner}, which grants what each may,
-- and give each app the address with its own user. The owner is made a member of each, since it ends their sessions.
${roles.join('\n')}
`;
}

/** Who owns the tables, or would if they were made now. */
export async function ownerOf(db: DatabaseExecutor): Promise<string> {
  const { rows } = await sql<{ owner: string }>`
    SELECT coalesce((SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = to_regclass('events')),
                    current_user)::text AS owner`.execute(db);
  return rows[0]?.owner ?? '';
}

/**
 * Grants the roles that exist what they may, and takes from them what they may not; by the owner, after each migration.
 * Where there is none nothing is done: one role owns and does everything.
 * @returns names of the roles
 * @throws CommandError where everybody may create in the schema and we cannot end that; nothing is granted then
 */
export async function grantRights(db: DatabaseExecutor): Promise<string[]> {
  const names = ROLES.map(({ name }) => name);
  const { rows } = await sql<{ name: string }>`
    SELECT rolname::text AS name FROM pg_roles WHERE rolname = ANY (${names}::text[])`.execute(db);
  const existing = ROLES.filter(({ name }) => rows.some((row) => row.name === name));
  if (existing.length === 0) return [];
  await closeSchema(db);
  const tables = await ownTables(db);
  // One text is one transaction: nobody is without rights meanwhile.
  const statements = existing.flatMap((role) => statementsOf(role, tables));
  await sql.raw(statements.join(';\n')).execute(db);
  return existing.map(({ name }) => name);
}

/**
 * Takes from everybody what PostgreSQL gave everybody before 15, and what upgrades keep: to create in schema public.
 * Who may make functions there has them called by whoever reads with that path, with the rights of the caller.
 */
async function closeSchema(db: DatabaseExecutor): Promise<void> {
  const { rows } = await sql<{ isOpen: boolean; isOurs: boolean; owner: string; us: string }>`
    SELECT EXISTS (SELECT FROM aclexplode(n.nspacl) a WHERE a.grantee = 0 AND a.privilege_type = 'CREATE') AS "isOpen",
           pg_has_role(current_user, n.nspowner, 'USAGE') AS "isOurs",
           pg_get_userbyid(n.nspowner)::text AS owner, current_user::text AS us
    FROM pg_namespace n WHERE n.nspname = 'public'`.execute(db);
  const [schema] = rows;
  if (schema?.isOpen !== true) return;
  const revoke = 'REVOKE CREATE ON SCHEMA public FROM PUBLIC';
  if (!schema.isOurs) {
    const remedy = `${revoke}; GRANT CREATE ON SCHEMA public TO ${quoted(schema.us)}`;
    throw new CommandError(
      `every role may create functions in schema public, which the others would call: as ${schema.owner} run ${remedy}`,
      { exitCode: EXIT.configuration },
    );
  }
  await sql.raw(revoke).execute(db);
}

/** Beside ours the schemas may hold what an extension made, of which we may grant nothing. */
async function ownTables(db: DatabaseExecutor): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    SELECT CASE nspname WHEN 'public' THEN '' ELSE quote_ident(nspname) || '.' END || quote_ident(relname) AS name
    FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
    WHERE relkind IN ('r', 'p', 'v') AND nspname IN ('public', 'restored')
      AND relowner = (SELECT relowner FROM pg_class WHERE oid = 'events'::regclass)
    ORDER BY 1`.execute(db);
  return rows.map(({ name }) => name);
}

function statementsOf(
  { name, reads, writes, functions }: Role,
  tables: readonly string[],
): string[] {
  const ours = tables.join(', ');
  return [
    `REVOKE ALL ON TABLE ${ours} FROM ${name}`,
    `REVOKE ALL ON FUNCTION ${OWNERS_FUNCTIONS.join(', ')} FROM ${name}`,
    `GRANT USAGE ON SCHEMA public, restored TO ${name}`,
    `GRANT SELECT ON TABLE ${reads === 'all' ? ours : reads.join(', ')} TO ${name}`,
    ...Object.entries(writes).map(
      ([table, rights]) => `GRANT ${rights} ON TABLE ${table} TO ${name}`,
    ),
    ...functions.map((signature) => `GRANT EXECUTE ON FUNCTION ${signature} TO ${name}`),
  ];
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
