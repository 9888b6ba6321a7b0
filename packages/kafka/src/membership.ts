import { classify } from './errors.ts';
import type { NativeConsumer } from './rdkafka.ts';

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
