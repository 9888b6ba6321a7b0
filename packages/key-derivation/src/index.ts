export * from './event-key.ts';
export * from './partition-key.ts';
