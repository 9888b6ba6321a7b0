import { hostname } from 'node:os';
import { resolveTopics, type LogicalTopic, type Topic } from '@adtally/event-schema';
import { kafkaSettingsFromEnv, type KafkaSettings } from '@adtally/kafka';
import {
  ConfigProblems,
  describeConfig,
  durationMs,
  int,
  loadEnv,
  text,
  url,
  type ConfigOf,
  type Env,
} from '@adtally/config';
import { adminPort, SERVICE_ENV } from '@adtally/service';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const HTTP = { schemes: ['http', 'https'], default: '', secret: true } as const;
const PAGERDUTY_EVENTS = 'https://events.pagerduty.com/v2/enqueue';

/** Every variable of this app; the README's table is this list in words. */
const SCHEMA = {
  ...SERVICE_ENV,
  adminPort: adminPort(9466),
  databaseUrl: url('DATABASE_URL', { schemes: ['postgres', 'postgresql'] }),
  deadRateThreshold: int('DEAD_RATE_THRESHOLD', { default: 5, min: 0, max: 100_000 }),
  deadRateWindowMs: durationMs('DEAD_RATE_WINDOW_MS', { default: 60_000, min: 1, max: DAY_MS }),
  incidentResolveMs: durationMs('INCIDENT_RESOLVE_MS', { default: 300_000, min: 1, max: DAY_MS }),
  incidentUpdateMs: durationMs('INCIDENT_UPDATE_MS', { default: 60_000, min: 100, max: DAY_MS }),
  incidentRepeatMs: durationMs('INCIDENT_REPEAT_MS', {
    default: 4 * HOUR_MS,
    min: 100,
    max: 30 * DAY_MS,
  }),
  copyMemoryMs: durationMs('DEAD_COPY_MEMORY_MS', {
    default: 7 * DAY_MS,
    min: 1_000,
    max: 365 * DAY_MS,
  }),
  alertEnv: text('ALERT_ENV', { default: 'default', maxLength: 100 }),
  runbookBaseUrl: text('RUNBOOK_BASE_URL', { default: 'docs/runbooks', maxLength: 1_000 }),
  webhookUrl: url('ALERT_WEBHOOK_URL', HTTP),
  alertmanagerUrl: url('ALERTMANAGER_URL', HTTP),
  alertmanagerResendMs: durationMs('ALERTMANAGER_RESEND_MS', {
    default: 60_000,
    min: 100,
    max: HOUR_MS,
  }),
  slackUrl: url('SLACK_WEBHOOK_URL', HTTP),
  pagerDutyRoutingKey: text('PAGERDUTY_ROUTING_KEY', { default: '', secret: true, maxLength: 200 }),
  pagerDutyUrl: url('PAGERDUTY_URL', { ...HTTP, default: PAGERDUTY_EVENTS }),
  sinkTimeoutMs: durationMs('SINK_TIMEOUT_MS', { default: 10_000, min: 100, max: 60_000 }),
  sinkRetryMs: durationMs('SINK_RETRY_MS', { default: 1_000, min: 10, max: HOUR_MS }),
  sinkRetryMaxMs: durationMs('SINK_RETRY_MAX_MS', { default: 60_000, min: 10, max: DAY_MS }),
  sinkRefusalsMax: int('SINK_REFUSALS_MAX', { default: 5, min: 1, max: 1_000 }),
  sinkRefusalsMs: durationMs('SINK_REFUSALS_MS', { default: 3_600_000, min: 0, max: 604_800_000 }),
  topicCheckMs: durationMs('TOPIC_CHECK_MS', { default: 5_000, min: 100, max: 600_000 }),
} as const;

export interface AlerterConfig extends ConfigOf<typeof SCHEMA> {
  readonly topics: Readonly<Record<LogicalTopic, Topic>>;
  readonly kafka: KafkaSettings;
  /** Names this process in the lease and in logs. */
  readonly owner: string;
  /** For OTEL_*: the telemetry package reads them itself. */
  readonly env: Env;
}

/** Reads and checks the whole environment; throws ConfigError with all that is wrong. */
export function readConfig(env: Env = process.env): AlerterConfig {
  const problems = new ConfigProblems();
  const config = problems.collect(() => loadEnv(SCHEMA, env, crossCheck));
  const topics = problems.collect(() => resolveTopics(env));
  const kafka = kafkaSettingsFromEnv(env);
  if ('problems' in kafka) problems.add(kafka.problems);
  if (config === null || topics === null || 'problems' in kafka) throw problems.error();
  const owner = `${hostname()}/${process.pid}`;
  return Object.freeze({ ...config, topics, kafka: kafka.settings, owner, env });
}

/** What is in effect, for people; credentials masked. */
export function describe(config: AlerterConfig): Record<string, string> {
  return {
    KAFKA_BROKERS: config.kafka.brokers,
    DEAD_TOPIC: config.topics.dead.name,
    ...describeConfig(SCHEMA, config),
  };
}

function crossCheck(config: ConfigOf<typeof SCHEMA>): string[] {
  const problems: string[] = [];
  const urls = {
    ALERT_WEBHOOK_URL: config.webhookUrl,
    ALERTMANAGER_URL: config.alertmanagerUrl,
    SLACK_WEBHOOK_URL: config.slackUrl,
    PAGERDUTY_URL: config.pagerDutyUrl,
  };
  for (const [variable, value] of Object.entries(urls)) {
    if (value !== '' && !URL.canParse(value)) problems.push(`${variable}: its value is no URL`);
  }
  if (config.sinkRetryMs > config.sinkRetryMaxMs) {
    problems.push('SINK_RETRY_MS must not be more than SINK_RETRY_MAX_MS');
  }
  if (config.copyMemoryMs < config.deadRateWindowMs) {
    problems.push('DEAD_COPY_MEMORY_MS must not be less than DEAD_RATE_WINDOW_MS');
  }
  return problems;
}
