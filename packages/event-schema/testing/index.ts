export { batchOf, rowSnapshot } from '../test/rows.ts';
