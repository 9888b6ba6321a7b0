export * from './batch.ts';
export * from './fields.ts';
export * from './record.ts';
export * from './rejection.ts';
