import { randomBytes } from 'node:crypto';

/** Lines of a broker's server.properties: name to value. */
export type BrokerSettings = Readonly<Record<string, string>>;

/** What every broker of ours has, whoever starts it: KRaft, nothing deleted, groups handed over fast. */
export const LOCAL_BROKER_SETTINGS: BrokerSettings = {
  'process.roles': 'broker,controller',
  'controller.listener.names': 'CONTROLLER',
  // Events are deleted by nobody: a truncated topic halts its consumers.
  'log.retention.ms': '-1',
  'log.retention.bytes': '-1',
  'num.partitions': '1',
  'offsets.topic.replication.factor': '1',
  'offsets.topic.num.partitions': '3',
  'transaction.state.log.replication.factor': '1',
  'transaction.state.log.min.isr': '1',
  'auto.create.topics.enable': 'false',
  // Fast handover for classic groups ...
  'group.initial.rebalance.delay.ms': '0',
  'group.min.session.timeout.ms': '1000',
  // ... and for KIP-848 groups, whose defaults (5 s heartbeat, 45 s session) are the broker's.
  'group.consumer.heartbeat.interval.ms': '500',
  // Since 4.3 a change of the group waits for a second after the one before (KIP-1263).
  'group.consumer.assignment.interval.ms': '0',
  'group.consumer.min.heartbeat.interval.ms': '100',
  'group.consumer.session.timeout.ms': '6000',
  'group.consumer.min.session.timeout.ms': '1000',
};

/** The text of a server.properties. */
export function propertiesText(settings: BrokerSettings): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}

/** A KRaft cluster id: 16 bytes in base64url; a leading dash would read as an option. */
export function newClusterId(): string {
  for (;;) {
    const id = randomBytes(16).toString('base64url');
    if (!id.startsWith('-')) return id;
  }
}
