export { registryCheck } from './check-connection.ts';
export { schemasOf, SchemaNumbers } from './schema-numbers.ts';
