import { noAnswer, refusedBy, type Server } from '@adtally/command-line';
import { KafkaAdmin } from './admin.ts';
import { KafkaRequestError } from './errors.ts';
import type { KafkaSettings } from './settings.ts';

/** A service waits and asks again after these; a command is over. */
const NO_ANSWER_CODES = new Set([
  -185, // timed out
  -187, // all brokers are down
  -193, // a broker's name cannot be resolved
  -195, // the connection failed or was cut
]);
/** In words only: what the client tells of a connection has no code. */
const AUTHENTICATION = /authentication/i;

/**
 * Opens the administration client for one command and closes it again.
 * @throws CommandError where no broker answers within ten seconds (exit code 69) or where they refuse
 *   our login (78), in one sentence
 */
export async function withKafkaAdmin<T>(
  settings: KafkaSettings,
  work: (admin: KafkaAdmin) => Promise<T>,
): Promise<T> {
  // The request only says that it timed out; why, the connections say.
  let told: string | undefined;
  const admin = new KafkaAdmin(settings, { onNotice: ({ message }) => (told ??= message) });
  try {
    return await work(admin);
  } catch (error) {
    if (!(error instanceof KafkaRequestError) || !NO_ANSWER_CODES.has(error.code)) throw error;
    const reason = new Error(told ?? error.message, { cause: error });
    const errorOf = AUTHENTICATION.test(reason.message) ? refusedBy : noAnswer;
    throw errorOf(serverOf(settings), reason);
  } finally {
    admin.close();
  }
}

function serverOf({ brokers }: KafkaSettings): Server {
  return { title: 'Kafka', address: brokers, variable: 'KAFKA_BROKERS' };
}
