import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BrokerSettings } from '@adtally/native-servers';

/** Who may come by the clients' listener. Without any of it, everybody, plain. */
export interface ClientAccess {
  /**
   * Names and passwords for SASL PLAIN; the listener is then SASL_PLAINTEXT and asks for one of them. A password that
   * changes while the broker runs is a SCRAM one, set by `cluster.tool('kafka.admin.ConfigCommand', ...)`.
   */
  readonly users?: Readonly<Record<string, string>>;
  /** The listener speaks TLS with this certificate, PEM; `clients` is the one that it asks a client for. */
  readonly tls?: {
    readonly key: string;
    readonly cert: string;
    readonly clients?: string;
  };
  /** True: a user may do nothing but what an ACL allows. The internal listener may everything. */
  readonly acls?: boolean;
}

/** The internal and the controllers' listener have no names for who comes. */
const INTERNAL_PRINCIPAL = 'User:ANONYMOUS';
const PLAIN_MODULE = 'org.apache.kafka.common.security.plain.PlainLoginModule';
const SCRAM_MODULE = 'org.apache.kafka.common.security.scram.ScramLoginModule';

/** The lines of server.properties that make it so; what they name is written into the folder. */
export function accessSettings({ users, acls, tls }: ClientAccess, folder: string): BrokerSettings {
  const protocol = `${users === undefined ? '' : 'SASL_'}${tls === undefined ? 'PLAINTEXT' : 'SSL'}`;
  return {
    'listener.security.protocol.map': `INTERNAL:PLAINTEXT,CLIENT:${protocol},CONTROLLER:PLAINTEXT`,
    ...(users === undefined ? {} : sasl(users)),
    ...(tls === undefined ? {} : tlsSettings(tls, folder)),
    ...(acls === true ? AUTHORIZER : {}),
  };
}

function tlsSettings(
  { key, cert, clients }: NonNullable<ClientAccess['tls']>,
  folder: string,
): BrokerSettings {
  const [keystore, truststore] = [join(folder, 'broker.pem'), join(folder, 'clients.pem')];
  writeFileSync(keystore, `${key}${cert}`);
  writeFileSync(truststore, clients ?? cert);
  return {
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.location': keystore,
    'ssl.truststore.type': 'PEM',
    'ssl.truststore.location': truststore,
    'listener.name.client.ssl.client.auth': clients === undefined ? 'none' : 'required',
  };
}

const AUTHORIZER: BrokerSettings = {
  'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
  'super.users': INTERNAL_PRINCIPAL,
  'allow.everyone.if.no.acl.found': 'false',
};

function sasl(users: Readonly<Record<string, string>>): BrokerSettings {
  const entries = Object.entries(users).map(([name, password]) => `user_${name}="${password}"`);
  return {
    'listener.name.client.sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256',
    'listener.name.client.plain.sasl.jaas.config': `${PLAIN_MODULE} required ${entries.join(' ')};`,
    'listener.name.client.scram-sha-256.sasl.jaas.config': `${SCRAM_MODULE} required;`,
  };
}
