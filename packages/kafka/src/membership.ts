import { classify } from './errors.ts';
import type { PacedConsume } from './paced-consume.ts';
import type { NativeConsumer } from './rdkafka.ts';

const UNSUBSCRIBE_TIMEOUT_MS = 2_000;
const UNSUBSCRIBE_POLL_MS = 50;

/** Connects and subscribes. Rejects with a `KafkaError`; the client cannot be used again then. */
export function join(native: NativeConsumer, topic: string, timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    native.connect({ topic, timeout: timeoutMs }, (error) => {
      if (error) {
        reject(classify(error, 'connect'));
        return;
      }
      try {
        native.subscribe([topic]);
        resolve();
      } catch (failure) {
        reject(classify(failure, 'subscribe'));
      }
    });
  });
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
  let revoked = false;
  onRevoked(() => (revoked = true));
  native.unsubscribe();
  const deadline = performance.now() + UNSUBSCRIBE_TIMEOUT_MS;
  // The revocation reaches a consuming client only, and may never come.
  while (!revoked && performance.now() < deadline) await poll(paced);
  await poll(paced);
}

async function poll(paced: PacedConsume): Promise<void> {
  await paced.consume(1, UNSUBSCRIBE_POLL_MS).catch(() => undefined);
}

/** Disconnects; false when the client did not finish in time (it goes on in the background). */
export function disconnect(native: NativeConsumer, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const deadline = setTimeout(() => resolve(false), timeoutMs);
    native.disconnect(() => {
      clearTimeout(deadline);
      resolve(true);
    });
  });
}
