import type { ClientWords } from './client-words.ts';
import type { GroupConsumerOptions } from './consumer-config.ts';
import { KafkaError } from './errors.ts';
import type { NoticeBoard } from './notices.ts';
import type { PacedConsume } from './paced-consume.ts';
import { CODE, type NativeConsumer } from './rdkafka.ts';

const CONNECT_TIMEOUT_MS = 30_000;
const UNSUBSCRIBE_TIMEOUT_MS = 2_000;
const DISCONNECT_TIMEOUT_MS = 15_000;
const UNSUBSCRIBE_POLL_MS = 50;

/** Connects. Rejects with a `KafkaError`; the client cannot be used again then. */
export function connect(
  native: NativeConsumer,
  words: ClientWords,
  options: Pick<GroupConsumerOptions, 'topic' | 'connectTimeoutMs'>,
): Promise<void> {
  const { topic, connectTimeoutMs: timeout = CONNECT_TIMEOUT_MS } = options;
  return new Promise((resolve, reject) => {
    native.connect({ topic, timeout }, (error) => {
      if (error) {
        reject(words.explain(error, 'connect'));
        return;
      }
      words.worked();
      resolve();
    });
  });
}

/** Asks the group for a place in it. @throws KafkaError where the client will not ask */
export function join(native: NativeConsumer, words: ClientWords, topic: string): void {
  try {
    native.subscribe([topic]);
  } catch (failure) {
    throw words.explain(failure, 'subscribe');
  }
}

/** Leaves the group, and joins it again once the revocation of all that was granted is answered. Never throws. */
export function joinAgain(native: NativeConsumer, topic: string, notices: NoticeBoard): void {
  try {
    native.unsubscribe();
    native.subscribe([topic]);
  } catch (error) {
    // Of a client that closes or gave up; the next fetch tells which.
    notices.post('rebalance', error);
  }
}

/**
 * Takes a static member out of a classic group, in at most two seconds: closing alone would not tell the
 * group. `onRevoked` registers the function to call once the resulting revocation is answered.
 */
export async function unsubscribe(
  native: NativeConsumer,
  paced: PacedConsume,
  onRevoked: (done: () => void) => void,
): Promise<void> {
  const answered = Promise.withResolvers<boolean>();
  onRevoked(() => answered.resolve(true));
  native.unsubscribe();
  const deadline = performance.now() + UNSUBSCRIBE_TIMEOUT_MS;
  // The revocation reaches a consuming client only, and may never come.
  let revoked = false;
  while (!revoked && performance.now() < deadline) {
    await poll(paced);
    revoked = await Promise.race([answered.promise, Promise.resolve(false)]);
  }
  await poll(paced);
}

async function poll(paced: PacedConsume): Promise<void> {
  await paced.consume(1, UNSUBSCRIBE_POLL_MS).catch(() => undefined);
}

/** Disconnects, in at most 15 seconds; what is left then goes on in the background, with a notice. */
export function disconnect(native: NativeConsumer, notices: NoticeBoard): Promise<void> {
  return new Promise((resolve) => {
    const deadline = setTimeout(() => {
      notices.post('leave', new KafkaError('the client did not close in time', CODE.timedOut));
      resolve();
    }, DISCONNECT_TIMEOUT_MS);
    native.disconnect(() => {
      clearTimeout(deadline);
      resolve();
    });
  });
}
