import { Buffer } from 'node:buffer';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { uuidBytes, uuidText, type EventType } from '@adtally/event-schema';
import { describe, expect, it } from 'vitest';
import { eventKeyOf } from './event-key.ts';
import { canonicalImpressionKey, murmur2, partitionFor } from './partition-key.ts';

interface EventVector {
  readonly note: string;
  readonly event_type: EventType;
  readonly impression_id: string;
  readonly click_id?: string;
  readonly conversion_id?: string;
  readonly event_key: string;
  readonly kafka_key: string;
  readonly partition_of_12: number;
  readonly partition_of_64: number;
}

const vectorsUrl = new URL('../test/vectors.json', import.meta.url);
const vectors = JSON.parse(readFileSync(vectorsUrl, 'utf8')) as {
  readonly events: readonly EventVector[];
  readonly murmur2: readonly { readonly text: string; readonly hash: number }[];
};

const scriptPath = fileURLToPath(new URL('../test/verify_vectors.py', import.meta.url));
const hasPython = spawnSync('python3', ['--version']).status === 0;

function bytesOf(uuid: string | undefined): Buffer {
  const bytes = uuidBytes(uuid ?? '');
  if (bytes === null) throw new Error(`a vector holds no uuid: ${uuid}`);
  return bytes;
}

function identityOf(vector: EventVector): Buffer | null {
  if (vector.event_type === 'click') return bytesOf(vector.click_id);
  return vector.event_type === 'conversion' ? Buffer.from(vector.conversion_id ?? '') : null;
}

describe('the frozen vectors', () => {
  it.each(vectors.events)('$event_type: $note', (vector) => {
    const impressionId = bytesOf(vector.impression_id);
    const key = eventKeyOf(vector.event_type, impressionId, identityOf(vector));
    expect(uuidText(key)).toBe(vector.event_key);
    const kafkaKey = canonicalImpressionKey(impressionId);
    expect(kafkaKey).toBe(vector.kafka_key);
    expect(partitionFor(Buffer.from(kafkaKey), 12)).toBe(vector.partition_of_12);
    expect(partitionFor(Buffer.from(kafkaKey), 64)).toBe(vector.partition_of_64);
  });

  it.each(vectors.murmur2)('murmur2 of $text is what Java says', ({ text, hash }) => {
    expect(murmur2(Buffer.from(text))).toBe(hash);
  });

  it('are many and of every event type', () => {
    expect(vectors.events.length).toBeGreaterThanOrEqual(20);
    expect(new Set(vectors.events.map((vector) => vector.event_type)).size).toBe(3);
  });

  it.skipIf(!hasPython)('agree with Python (skipped only where python3 is not installed)', () => {
    const verdict = spawnSync('python3', ['-B', scriptPath], { encoding: 'utf8' });
    expect(verdict.stderr).toBe('');
    const count = vectors.events.length + vectors.murmur2.length;
    expect(verdict.stdout.trim()).toBe(`${count} vectors agree`);
    expect(verdict.status).toBe(0);
  });
});
