import { progressLine } from '@adtally/command-line';
import type { KafkaSettings } from '@adtally/kafka';
import { readKafkaSettings } from '@adtally/kafka/env';
import { ensureStack, StackError, type StackAddresses } from '@adtally/local-stack';
import { orUsageError } from '../../or-usage-error.ts';

/** Runs a bench against the stack, with a progress line, until it ends or is interrupted. */
export async function onStack<T>(
  work: (
    addresses: StackAddresses,
    kafka: KafkaSettings,
    onProgress: (text: string) => void,
    signal: AbortSignal,
  ) => Promise<T>,
): Promise<T> {
  const addresses = await ensureStack();
  const env = { ...process.env, KAFKA_BROKERS: addresses.kafkaBrokers };
  const kafka = orUsageError(() => readKafkaSettings(env));
  const progress = progressLine();
  const interrupted = new AbortController();
  const interrupt = (): void => interrupted.abort(new StackError('interrupted'));
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  try {
    return await work(addresses, kafka, progress.update, interrupted.signal);
  } finally {
    progress.finish();
  }
}

/** Microseconds; `?` where a process is on another machine or cannot be seen. */
export function micros(value: number | null): string {
  return value === null ? '?' : value.toFixed(2);
}
