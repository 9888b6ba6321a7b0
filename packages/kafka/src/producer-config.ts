import type { NativeConfig } from './rdkafka.ts';
import { commonConfig, type KafkaSettings } from './settings.ts';

export type ProducerMode = 'prompt' | 'bulk';

interface Tuning {
  readonly mode?: ProducerMode | undefined;
  readonly lingerMs?: number | undefined;
  readonly compression?: 'none' | 'lz4' | 'zstd' | undefined;
  readonly maxRecordBytes?: number | undefined;
  readonly deliveryTimeoutMs?: number | undefined;
}

const LINGER_MS = { prompt: 2, bulk: 30 };
const BATCH_BYTES = { prompt: 262_144, bulk: 1_000_000 };
const DEFAULT_MAX_RECORD_BYTES = 1_000_000;
const DEFAULT_DELIVERY_TIMEOUT_MS = 30_000;
const QUEUE_RECORDS = 200_000;
const MIN_QUEUE_KBYTES = 131_072;

export function producerConfig(settings: KafkaSettings, tuning: Tuning): NativeConfig {
  const mode = tuning.mode ?? 'prompt';
  const maxRecordBytes = tuning.maxRecordBytes ?? DEFAULT_MAX_RECORD_BYTES;
  return {
    ...commonConfig(settings),
    'enable.idempotence': true,
    acks: 'all',
    // The Java client's placement; librdkafka's own default is CRC32.
    partitioner: 'murmur2_random',
    dr_cb: true,
    'linger.ms': tuning.lingerMs ?? LINGER_MS[mode],
    'batch.size': BATCH_BYTES[mode],
    'message.max.bytes': maxRecordBytes,
    'compression.codec': tuning.compression ?? 'none',
    'message.timeout.ms': tuning.deliveryTimeoutMs ?? DEFAULT_DELIVERY_TIMEOUT_MS,
    'queue.buffering.max.messages': QUEUE_RECORDS,
    // One record must always fit, else a full queue could never drain.
    'queue.buffering.max.kbytes': Math.max(MIN_QUEUE_KBYTES, Math.ceil(maxRecordBytes / 512)),
  };
}
