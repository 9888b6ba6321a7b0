import { Abandoned } from './backoff.ts';

/**
 * What the work resolves to; rejects with `Abandoned` as soon as the signal fires. The work itself goes on, and how
 * it ends is told to nobody then.
 */
export async function unlessStopped<T>(
  work: Promise<T>,
  signal: AbortSignal,
  doing: string,
): Promise<T> {
  const stopped = Promise.withResolvers<never>();
  const stop = () => stopped.reject(new Abandoned(doing));
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await Promise.race([work, stopped.promise]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
