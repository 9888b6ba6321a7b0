import type { BrokerSettings } from '@adtally/native-servers';

/** Who may come by the clients' listener. Without any of it, everybody, plain. */
export interface ClientAccess {
  /**
   * Names and passwords for SASL PLAIN; the listener is then SASL_PLAINTEXT and asks for one of them. A password that
   * changes while the broker runs is a SCRAM one, set by `cluster.tool('kafka.admin.ConfigCommand', ...)`.
   */
  readonly users?: Readonly<Record<string, string>>;
  /** True: a user may do nothing but what an ACL allows. The internal listener may everything. */
  readonly acls?: boolean;
}

/** The internal and the controllers' listener have no names for who comes. */
const INTERNAL_PRINCIPAL = 'User:ANONYMOUS';
const PLAIN_MODULE = 'org.apache.kafka.common.security.plain.PlainLoginModule';
const SCRAM_MODULE = 'org.apache.kafka.common.security.scram.ScramLoginModule';

/** The lines of server.properties that make it so. */
export function accessSettings({ users, acls }: ClientAccess, _folder: string): BrokerSettings {
  return { ...(users === undefined ? {} : sasl(users)), ...(acls === true ? AUTHORIZER : {}) };
}

const AUTHORIZER: BrokerSettings = {
  'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
  'super.users': INTERNAL_PRINCIPAL,
  'allow.everyone.if.no.acl.found': 'false',
};

function sasl(users: Readonly<Record<string, string>>): BrokerSettings {
  const entries = Object.entries(users).map(([name, password]) => `user_${name}="${password}"`);
  return {
    'listener.security.protocol.map':
      'INTERNAL:PLAINTEXT,CLIENT:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT',
    'listener.name.client.sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256',
    'listener.name.client.plain.sasl.jaas.config': `${PLAIN_MODULE} required ${entries.join(' ')};`,
    'listener.name.client.scram-sha-256.sasl.jaas.config': `${SCRAM_MODULE} required;`,
  };
}
