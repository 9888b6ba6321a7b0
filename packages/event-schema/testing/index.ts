export { batchOf, recordOf, rowSnapshot } from '../test/rows.ts';
