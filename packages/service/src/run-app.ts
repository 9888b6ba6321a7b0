import type { ConfigOf } from '@adtally/config';
import {
  createLogger,
  createTelemetry,
  type Logger,
  type MetricDefinitions,
  type Metrics,
  type Tracer,
} from '@adtally/telemetry';
import type { FastifyInstance } from 'fastify';
import { Heartbeat } from './heartbeat.ts';
import { runService } from './run-service.ts';
import type { serviceEnv } from './service-env.ts';
import type { Service } from './service.ts';

/** What the configuration of every service holds: the variables of `serviceEnv`. */
export type ServiceConfig = ConfigOf<ReturnType<typeof serviceEnv>>;

/** What every service is built of. */
export interface AppParts<C extends ServiceConfig, D extends MetricDefinitions> {
  /** As the app is known in logs, metrics and dead letters, e.g. `ingest-consumer`. */
  readonly app: string;
  /** Of the build. */
  readonly version: string;
  readonly config: C;
  readonly metrics: Metrics<D>;
  /** Where traces are exported. */
  readonly tracer?: Tracer | undefined;
  readonly log: Logger;
  /** Its loop beats once a turn. */
  readonly heartbeat: Heartbeat;
}

export interface BuiltApp {
  /** In start order; they stop the other way round. */
  readonly services: readonly Service[];
  /** Adds the app's own routes to the admin server. */
  readonly mount: (admin: FastifyInstance) => void;
}

export interface AppOptions<C extends ServiceConfig, D extends MetricDefinitions> extends Pick<
  AppParts<C, D>,
  'app' | 'version' | 'config'
> {
  /** What the process measures, beside the figures every process has. */
  readonly definitions: D;
  /** Past this without a beat the process counts as stuck; longer than any bounded wait of its loop. */
  readonly stuckAfterMs: number;
  /** Wires the app by hand; opens nothing, which is for the services. */
  readonly build: (parts: AppParts<C, D>) => BuiltApp;
}

/** The frame of every service: gives the app what all have and runs it until it is drained. */
export async function runApp<C extends ServiceConfig, D extends MetricDefinitions>(
  options: AppOptions<C, D>,
): Promise<void> {
  const { app, version, config, definitions } = options;
  const log = createLogger({ service: app, level: config.logLevel });
  const telemetry = await createTelemetry({ service: app, version, definitions, config, log });
  const { metrics, exporting } = telemetry;
  const heartbeat = new Heartbeat(options.stuckAfterMs);
  const { services, mount } = options.build({ ...telemetry, app, version, config, log, heartbeat });
  await runService({
    services,
    admin: {
      host: config.adminHost,
      port: config.adminPort,
      token: config.adminToken,
      metrics,
      heartbeat,
      mount,
    },
    drainDeadlineMs: config.drainDeadlineMs,
    exporting,
    logger: log,
  });
}
