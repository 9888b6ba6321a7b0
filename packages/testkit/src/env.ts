/** Addresses of servers that already run; empty strings count as absent. */
export interface GivenServers {
  readonly kafkaBrokers: string | undefined;
  readonly databaseUrl: string | undefined;
  readonly redisUrl: string | undefined;
}

/** Reads KAFKA_BROKERS, DATABASE_URL and REDIS_URL. */
export function givenServers(): GivenServers {
  return {
    kafkaBrokers: process.env['KAFKA_BROKERS'] || undefined,
    databaseUrl: process.env['DATABASE_URL'] || undefined,
    redisUrl: process.env['REDIS_URL'] || undefined,
  };
}

/** RECORD_READER, where a long run gives it: every service that is started reads by it. */
export function givenReader(): Record<string, string> {
  const reader = process.env['RECORD_READER'] || undefined;
  return reader === undefined ? {} : { RECORD_READER: reader };
}

/** ADTALLY_BUILT_APPS: the folder with builds of the apps, made for this run of tests. */
export function builtApps(): string | undefined {
  return process.env['ADTALLY_BUILT_APPS'] || undefined;
}

/** The run of tests that this process belongs to, `<pid>_<its start>`: all its processes get the same (vitest.config.ts). */
export function testRun(): string {
  return process.env['ADTALLY_TEST_RUN'] || `${process.pid}_${Date.now().toString(36)}`;
}
