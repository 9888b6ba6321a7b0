export { migratedDatabase } from './migrated-database.ts';
export { databaseWithSources, openSession } from './writer-session.ts';
