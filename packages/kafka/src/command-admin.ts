import { CommandError, EXIT, noAnswer, refusedBy, type Server } from '@adtally/command-line';
import { KafkaAdmin } from './admin.ts';
import { isNoAnswer, isRightMissing, KafkaRequestError } from './errors.ts';
import type { KafkaSettings } from './settings.ts';
import { NoTopicId } from './topic-description.ts';
import type { TroubleCode } from './trouble.ts';

/** Where somebody answered, and would have none of it. */
const REFUSALS = new Set<TroubleCode | undefined>([
  'authentication_failed',
  'certificate_refused',
  'protocol_mismatch',
]);

/**
 * Opens the administration client for one command and closes it again.
 * @throws CommandError where no broker answers within ten seconds (exit code 69) or where they refuse
 *   our login, do not let us do it or know no topic ids (78), in one sentence
 */
export async function withKafkaAdmin<T>(
  settings: KafkaSettings,
  work: (admin: KafkaAdmin) => Promise<T>,
): Promise<T> {
  const admin = new KafkaAdmin(settings);
  try {
    return await work(admin);
  } catch (error) {
    if (error instanceof NoTopicId) {
      throw new CommandError(error.message, { exitCode: EXIT.configuration, cause: error });
    }
    // A service waits and asks again; a command is over.
    if (!(error instanceof KafkaRequestError)) throw error;
    if (isRightMissing(error)) throw refusedBy(serverOf(settings), error);
    if (!isNoAnswer(error)) throw error;
    const errorOf = REFUSALS.has(error.trouble?.code) ? refusedBy : noAnswer;
    throw errorOf(serverOf(settings), error.trouble === null ? error : (error.cause as Error));
  } finally {
    admin.close();
  }
}

function serverOf({ brokers }: KafkaSettings): Server {
  return { title: 'Kafka', address: brokers, variable: 'KAFKA_BROKERS' };
}
