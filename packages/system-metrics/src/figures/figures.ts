import type { DatabaseExecutor } from '@adtally/db';
import type { MetricDefinitions } from '@adtally/telemetry';
import type { SystemMetrics } from '../metrics.ts';

/** Some of the shared metrics, told together. */
export interface Figures {
  /** For logs. */
  readonly name: string;
  /** What they tell; their series end where they cannot be read. */
  readonly metrics: MetricDefinitions;
  /** Reading them takes more than some milliseconds: they are read at fewer looks. */
  readonly isCostly?: true;
  /** Reads all of them by one statement or two, then tells them: a read that fails tells nothing. */
  tell(session: DatabaseExecutor, metrics: SystemMetrics): Promise<void>;
}
