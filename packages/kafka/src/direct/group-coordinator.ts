import {
  type Connection,
  findCoordinatorV4,
  FindCoordinatorKeyTypes,
  ResponseError,
} from '@platformatic/kafka';
import { KafkaRequestError } from '../errors.ts';
import { drop, type Address, type OpenConnection } from './open-connection.ts';

const GROUP_AUTHORIZATION_FAILED = 30;
export const UNSUPPORTED_VERSION = 35;
const WORDS: ReadonlyMap<number, string> = new Map([
  [14, 'Broker: Coordinator load in progress'],
  [15, 'Broker: Coordinator not available'],
  [16, 'Broker: Not coordinator'],
  [29, 'Broker: Topic authorization failed'],
  [GROUP_AUTHORIZATION_FAILED, 'Broker: Group authorization failed'],
]);

/** Closes the connection behind the work. */
export async function withConnection<T>(
  opening: Promise<OpenConnection>,
  work: (open: OpenConnection) => Promise<T>,
): Promise<T> {
  const open = await opening;
  try {
    return await work(open);
  } finally {
    drop(open.connection);
  }
}

/** @throws KafkaRequestError where nobody is it yet, or it is not told to us */
export async function coordinatorOf(
  connection: Connection,
  groupId: string,
  doing: string,
): Promise<Address> {
  const [found] = (
    await answerOf(
      findCoordinatorV4.api.async(connection, FindCoordinatorKeyTypes.GROUP, [groupId]),
    )
  ).coordinators;
  requireNoError(found?.errorCode ?? UNSUPPORTED_VERSION, doing);
  return { host: found?.host ?? '', port: found?.port ?? 0 };
}

/** An answer with errors in it is an answer: they are looked at one by one. */
export async function answerOf<T>(asked: Promise<T>): Promise<T> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof ResponseError) return error.response as T;
    throw error;
  }
}

/** @throws KafkaRequestError with the broker's number and words */
export function requireNoError(code: number, doing: string): void {
  if (code === 0) return;
  const words = WORDS.get(code) ?? `the broker answers with error ${code}`;
  throw new KafkaRequestError(`${doing}: ${words}`, code, code !== GROUP_AUTHORIZATION_FAILED);
}
