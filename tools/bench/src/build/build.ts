import {
  auditDatabase,
  ensureDayPartitions,
  migrate,
  openDatabase,
  type AuditReport,
} from '@adtally/db';
import { imageNodeOptions, repositoryRoot } from '@adtally/local-stack';

/** What a bench asks of an audit. */
export type BuildAudit = Pick<AuditReport, 'balanced' | 'totals'> & {
  readonly checks: readonly Pick<AuditReport['checks'][number], 'id' | 'name' | 'ok'>[];
};

/** Sources that can be measured: these, or those of another revision. */
export interface Build {
  /** As reports name it. */
  readonly label: string;
  /** Where its workspace lies, installed. */
  readonly root: string;
  /** What its image starts Node with. */
  readonly nodeOptions: readonly string[];
  /** Brings the schema of an empty database and its day partitions up to what this build writes to. */
  prepareDatabase(url: string, env: NodeJS.ProcessEnv): Promise<void>;
  audit(url: string): Promise<BuildAudit>;
}

const NAME = 'adtally-bench';

/** The sources this process runs from. */
export const THIS_BUILD: Build = {
  label: 'this build',
  root: repositoryRoot,
  nodeOptions: imageNodeOptions(repositoryRoot),
  prepareDatabase: async (url) => {
    await migrate(url);
    const db = openDatabase(url, { applicationName: NAME, maxConnections: 1 });
    try {
      await ensureDayPartitions(db, { now: Date.now() });
    } finally {
      await db.destroy();
    }
  },
  audit: async (url) => {
    const db = openDatabase(url, {
      applicationName: NAME,
      maxConnections: 1,
      statementTimeoutMs: 0,
    });
    try {
      return await auditDatabase(db);
    } finally {
      await db.destroy();
    }
  },
};
