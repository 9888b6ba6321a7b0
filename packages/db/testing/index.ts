export { asConsumer, batchOf, rangeOf, type RowSpec } from './batches.ts';
export { migratedDatabase } from './migrated-database.ts';
export { migrated, migratedWithCountedClaims } from './templates.ts';
export { databaseWithSources, openSession } from './writer-session.ts';
export { setHostileSettings } from './hostile-settings.ts';
