import { setTimeout as sleep } from 'node:timers/promises';
import { reveal, type Secret } from '@adtally/config';
import { Client, type ClientConfig, DatabaseError } from 'pg';
import { type DatabaseAddress, parseAddress } from './address/address.ts';
import type { DatabaseUrl } from './password-source.ts';
import { isAway } from './server-away.ts';

/** So long each host has to answer one attempt. */
const SCOUT_LIMIT_MS = 2_000;
/** After so long without an answer the next host is tried beside it (as RFC 8305 has it). */
const NEXT_HOST_AFTER_MS = 250;
/** What the driver says of an attempt that took too long: by another encryption it would take as long. */
const NO_ANSWER = 'timeout expired';

/** Of several hosts none takes writes now: standbys, and such as do not answer. */
class NoHostTakesWrites extends Error {
  override readonly name = 'NoHostTakesWrites';
}

type Connected = ((error: Error) => void) | ((error: null, client: Client) => void);

/** What node-postgres keeps of where it connects to and how; set before it does. */
interface Inside {
  host: string;
  port: number;
  ssl: unknown;
  password: string | null;
  connectionParameters: { password: string | null };
  connection: { ssl: unknown; stream: { readonly destroyed: boolean; destroy(): void } };
}

/**
 * A client of node-postgres that reads its address as libpq does: several hosts, of which one that takes writes is
 * looked for, `sslmode` with its fallbacks, and a password that is asked for now. Where there is a choice, each is
 * tried by a connection of its own before this one is made; with one host and one way to encrypt there is none.
 */
export class AddressedClient extends Client {
  readonly #address: DatabaseAddress;
  readonly #source: string | DatabaseUrl;
  readonly #settings: ClientConfig;

  /** @throws AddressError */
  constructor(source: string | Secret, settings: ClientConfig) {
    const address = parseAddress(reveal(source));
    super({ ...settings, connectionString: address.connectionStrings[0]?.[0] });
    this.#address = address;
    this.#source = source;
    this.#settings = settings;
  }

  override connect(): Promise<Client>;
  override connect(callback: Connected): void;
  override connect(callback?: Connected): Promise<Client> | void {
    const connected = this.#connect();
    if (callback === undefined) return connected;
    const told = callback as (error: Error | null, client?: Client) => void;
    connected.then((client) => told(null, client), told);
  }

  async #connect(): Promise<Client> {
    const inside = this as unknown as Inside;
    const { password: source } = this.#source as DatabaseUrl;
    const password = await source?.();
    if (password !== undefined) setPassword(inside, password);
    const { connectionStrings, isPrimaryWanted } = this.#address;
    if (connectionStrings.flat().length > 1 || isPrimaryWanted) {
      const found = await this.#find(password);
      Object.assign(inside, { host: found.host, port: found.port, ssl: found.ssl });
      inside.connection.ssl = found.connection.ssl;
    }
    // Cut while it was looked around.
    if (inside.connection.stream.destroyed) throw new Error('Connection terminated');
    await super.connect();
    return this;
  }

  /**
   * One that lets us in and, if that is asked for, takes writes: the first in their order that answers at once. Hosts
   * that are silent do not hold the others up, however many there are.
   */
  async #find(password: string | undefined): Promise<Inside> {
    const search = new AbortController();
    let mayStart: Promise<unknown> = Promise.resolve();
    const attempts = this.#address.connectionStrings.map((ways) => {
      const attempt = mayStart.then(() => this.#tryHost(ways, password, search.signal));
      const failed = attempt.then(
        () => Promise.withResolvers().promise,
        () => undefined,
      );
      const late = mayStart.then(() => sleep(NEXT_HOST_AFTER_MS, undefined, { ref: false }));
      mayStart = Promise.race([failed, late]);
      return attempt;
    });
    try {
      return await Promise.any(attempts);
    } catch (error) {
      throw tellingOf(flat(error as AggregateError));
    } finally {
      search.abort();
    }
  }

  /**
   * Tries the ways to encrypt one after the other.
   * @throws AggregateError of what became of each
   */
  async #tryHost(
    ways: readonly string[],
    password: string | undefined,
    over: AbortSignal,
  ): Promise<Inside> {
    const limitMs = this.#settings.connectionTimeoutMillis || SCOUT_LIMIT_MS;
    const failures: Error[] = [];
    for (const connectionString of ways) {
      over.throwIfAborted();
      const scout = new Client({
        ...this.#settings,
        connectionString,
        connectionTimeoutMillis: Math.min(limitMs, SCOUT_LIMIT_MS),
      });
      scout.on('error', () => undefined);
      const inside = scout as unknown as Inside;
      if (password !== undefined) setPassword(inside, password);
      const cut = () => inside.connection.stream.destroy();
      over.addEventListener('abort', cut, { once: true });
      try {
        await scout.connect();
        if (!this.#address.isPrimaryWanted || (await takesWrites(scout))) return inside;
        failures.push(new NoHostTakesWrites(`${inside.host}:${inside.port} is a standby`));
        break;
      } catch (error) {
        failures.push(error as Error);
        if ((error as Error).message === NO_ANSWER) break;
      } finally {
        over.removeEventListener('abort', cut);
        void scout.end().catch(() => undefined);
      }
    }
    throw new AggregateError(failures);
  }
}

/** What went wrong with each attempt; Node makes one of several where a name has several addresses. */
function flat({ errors }: AggregateError): Error[] {
  return errors.flatMap((error: Error) => (error instanceof AggregateError ? flat(error) : error));
}

async function takesWrites(client: Client): Promise<boolean> {
  const text = 'SELECT NOT pg_catalog.pg_is_in_recovery() AS "isPrimary"';
  const query = { text, query_timeout: SCOUT_LIMIT_MS };
  const { rows } = await client.query<{ isPrimary: boolean }>(query);
  return rows[0]?.isPrimary === true;
}

function setPassword(inside: Inside, password: string): void {
  inside.password = password;
  inside.connectionParameters.password = password;
}

/** What a server refused us for says more than one that is away, or that takes no writes now. */
function tellingOf(failures: readonly Error[]): Error {
  const refused = failures.find((error) => error instanceof DatabaseError && !isAway(error));
  if (refused !== undefined) return refused;
  if (failures.some((error) => error instanceof NoHostTakesWrites)) {
    const said = failures.map(({ message }) => message).join('; ');
    return new NoHostTakesWrites(`no host of DATABASE_URL takes writes: ${said}`);
  }
  return failures.at(-1) ?? new Error('no host');
}
