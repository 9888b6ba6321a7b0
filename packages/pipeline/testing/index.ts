/** For tests of apps that need dead letters: what the consumer does, without a consumer. Not in the build. */
export * from './in-process-ingest.ts';
export * from './messages.ts';
