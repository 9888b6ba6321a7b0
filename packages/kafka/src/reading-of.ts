import { bufferBytes, type GroupConsumerOptions } from './consumer-config.ts';
import { DirectReading } from './direct-reading.ts';
import { NativeReading, type NativeReadingParts } from './native-reading.ts';
import type { Reading } from './reading.ts';
import type { KafkaSettings } from './settings.ts';

/** The reading that the options ask for; our own where they do not say. */
export function readingOf(
  settings: KafkaSettings,
  options: Pick<GroupConsumerOptions, 'reader' | 'bufferBytes'>,
  parts: NativeReadingParts,
): Reading {
  return options.reader === 'librdkafka'
    ? new NativeReading(parts)
    : new DirectReading({ ...parts, settings, bufferBytes: bufferBytes(options) });
}
