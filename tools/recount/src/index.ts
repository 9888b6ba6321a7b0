export { recount, type Recounted } from './recount.ts';
