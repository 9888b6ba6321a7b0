export { BulkProducer, type BulkProducerOptions } from './bulk-producer.ts';
export {
  emptyDatabase,
  testDatabase,
  type DatabaseTemplate,
  type Migrate,
  type TestDatabase,
} from './database.ts';
export { type Decision, type Hook } from './proxied-connection.ts';
export {
  freePort,
  hasRedisServer,
  testRedis,
  type TestRedis,
  type TestRedisOptions,
} from './redis.ts';
export { type ClientAccess } from './kafka-access.ts';
export { damageBatch, type Damage } from './damage-batch.ts';
export { kafkaCluster, type KafkaCluster, type KafkaClusterOptions } from './kafka-cluster.ts';
export { brokersKnownAt } from '@adtally/native-servers';
export { hasKafkaServer } from './kafka-programs.ts';
export { losesAnswers, type LostAnswers } from './kafka-answers.ts';
export {
  grant,
  type Operation,
  type Quota,
  revoke,
  rightsGiven,
  type RightOn,
  setQuota,
  setScramPassword,
} from './kafka-rights.ts';
export { guardedPostgres, type GuardedPostgres } from './guarded-postgres.ts';
export {
  hasPgBouncer,
  testPgBouncer,
  type TestPgBouncer,
  type TestPgBouncerOptions,
} from './pgbouncer.ts';
export {
  hasPostgresServer,
  postgresAccount,
  postgresPrograms,
  testPostgres,
  type TestPostgres,
  type TestPostgresOptions,
} from './postgres.ts';
export { testAlertmanager, type TestAlertmanager } from './alertmanager.ts';
export {
  testPrometheus,
  type PrometheusAlert,
  type Sample,
  type TargetGroup,
  type TestPrometheus,
  type TestPrometheusOptions,
} from './prometheus.ts';
export { amtool, hasPrometheus, promtool, type ToolResult } from './prometheus-programs.ts';
export { otlpReceiver, type OtlpReceiver, type ReceivedSpan } from './otlp-receiver.ts';
export { produceRecords, type TimedRecord } from './produce.ts';
export { databaseUrl, kafkaBrokers, redisUrl, servers, type Servers } from './servers.ts';
export { ServiceProcess, type Exit, type LogEntry } from './service-process.ts';
export {
  hasSchemaRegistry,
  testSchemaRegistry,
  type TestSchemaRegistry,
} from './schema-registry.ts';
export { hasS3Server, testS3, type TestS3 } from './s3-server.ts';
export { selfSigned } from './certificates.ts';
export { stressStartStop, type StartStop } from './stress-start-stop.ts';
export {
  answersCommit,
  proxyFor,
  sendsCommit,
  tcpProxy,
  type Match,
  type TcpProxy,
} from './tcp-proxy.ts';
export {
  deleteTopic,
  growTopic,
  partitionLeaders,
  testTopic,
  truncatePartition,
  type TestTopic,
  type TestTopicOptions,
} from './topic.ts';
export { tokenIssuer, type TokenIssuer } from './token-issuer.ts';
export { openTransaction, produceTransaction, type OpenTransaction } from './transaction.ts';
export { uniqueName } from './unique-name.ts';
export { signal, waitFor, type Signal, type WaitOptions } from './wait.ts';
