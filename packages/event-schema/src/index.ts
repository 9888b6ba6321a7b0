export * from './batch.ts';
export * from './event.ts';
export * from './fields.ts';
export * from './record.ts';
export * from './rejection.ts';
export * from './time.ts';
export * from './topics.ts';
export * from './uuid.ts';
