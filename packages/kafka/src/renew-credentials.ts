import type { KafkaSettings } from './settings.ts';

/** What of a native client this needs. */
export interface SaslClient {
  on(event: 'event.error', listener: (error: unknown) => void): unknown;
  isConnected(): boolean;
  setSaslCredentials(username: string, password: string): void;
}

/**
 * Gives a client the password as it is now whenever it lost or could not make a connection: it connects
 * again by itself, from then on with that one. Connections that are there stay. Its errors do not tell a
 * refused password from other losses reliably, so any will do.
 */
export function renewCredentials(client: SaslClient, { security }: KafkaSettings): void {
  const username = security['sasl.username'];
  const password = security['sasl.password'];
  if (typeof username !== 'string' || typeof password !== 'function') return;
  let known = password();
  client.on('event.error', () => {
    const current = password();
    // Before it has ever been connected the client would not listen.
    if (current === known || !client.isConnected()) return;
    known = current;
    client.setSaslCredentials(username, current);
  });
}
