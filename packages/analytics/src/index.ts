export * from './apply-late.ts';
export * from './bases.ts';
export * from './cohorts.ts';
export * from './definitions.ts';
export * from './frontier.ts';
export * from './measures.ts';
export * from './take-base.ts';
export * from './versions.ts';
