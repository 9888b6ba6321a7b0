import { apiVersionsV3, Connection } from '@platformatic/kafka';
import type { KafkaSettings } from '../settings.ts';
import { connectionOptions } from './connection-options.ts';

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** A connection that is open, and what its broker says of itself. */
export interface OpenConnection {
  readonly connection: Connection;
  /** The newest version of a request that the broker speaks; -1 where it knows none. */
  newestOf(apiKey: number): number;
  /** The level of a cluster's feature, such as `group.version`; 0 where it is off or unknown. */
  featureLevel(name: string): number;
}

const CLIENT_NAME = 'adtally';
const CLIENT_VERSION = '1';

/**
 * Connects to one broker, authenticates and asks what it speaks.
 *
 * @param onLost called whenever the connection breaks or is closed
 */
export async function openConnection(
  settings: KafkaSettings,
  { host, port }: Address,
  onLost: (connection: Connection) => void = () => undefined,
): Promise<OpenConnection> {
  const connection = new Connection(settings.clientId, connectionOptions(settings, host));
  // Without a listener an error of the socket would end the process.
  connection.on('error', () => onLost(connection));
  connection.on('close', () => onLost(connection));
  try {
    await connection.connect(host, port);
    const { apiKeys, finalizedFeatures = [] } = await apiVersionsV3.api.async(
      connection,
      CLIENT_NAME,
      CLIENT_VERSION,
    );
    const newest = new Map(apiKeys.map(({ apiKey, maxVersion }) => [apiKey, maxVersion]));
    const features = new Map(
      finalizedFeatures.map(({ name, maxVersionLevel }) => [name, maxVersionLevel]),
    );
    return {
      connection,
      newestOf: (apiKey) => newest.get(apiKey) ?? -1,
      featureLevel: (name) => features.get(name) ?? 0,
    };
  } catch (error) {
    drop(connection);
    throw error;
  }
}

/**
 * Connects to whichever of the brokers that the settings name answers first.
 *
 * @throws what the first one that failed said, where none answers
 */
export async function openAny(settings: KafkaSettings): Promise<OpenConnection> {
  const opening = addressesOf(settings).map((address) => openConnection(settings, address));
  try {
    const first = await Promise.any(opening);
    for (const one of opening) {
      one.then((other) => other === first || drop(other.connection)).catch(() => undefined);
    }
    return first;
  } catch (error) {
    throw error instanceof AggregateError ? error.errors[0] : error;
  }
}

/** Closes without waiting; closing twice is harmless. */
export function drop(connection: Connection): void {
  connection.close().catch(() => undefined);
}

/** Of `host:port,...` */
export function addressesOf({ brokers }: KafkaSettings): Address[] {
  return brokers.split(',').map((broker) => {
    const colon = broker.lastIndexOf(':');
    const host = broker.slice(0, colon).replace(/^\[(.*)\]$/, '$1');
    return { host, port: Number(broker.slice(colon + 1)) };
  });
}
