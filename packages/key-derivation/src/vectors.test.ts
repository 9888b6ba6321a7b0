import { Buffer } from 'node:buffer';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { EVENT_TYPES, uuidBytes, uuidText, type EventType } from '@adtally/event-schema';
import { describe, expect, it } from 'vitest';
import { eventKeyOf } from './event-key.ts';
import { OWN_ID, OWN_ID_KINDS } from './own-id.ts';
import { canonicalImpressionKey, murmur2, partitionFor } from './partition-key.ts';

type OwnIds = { readonly [T in EventType as NonNullable<(typeof OWN_ID)[T]>]?: string };

interface EventVector extends OwnIds {
  readonly note: string;
  readonly event_type: EventType;
  readonly impression_id: string;
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
  const name = OWN_ID[vector.event_type];
  if (name === null) return null;
  const isUuid = OWN_ID_KINDS[EVENT_TYPES.indexOf(vector.event_type)] === 'uuid';
  return isUuid ? bytesOf(vector[name]) : Buffer.from(vector[name] ?? '');
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
    const types = new Set(vectors.events.map((vector) => vector.event_type));
    expect([...types].toSorted()).toEqual(EVENT_TYPES.toSorted());
  });

  it.skipIf(!hasPython)('agree with Python (skipped only where python3 is not installed)', () => {
    const verdict = spawnSync('python3', ['-B', scriptPath], { encoding: 'utf8' });
    expect(verdict.stderr).toBe('');
    const count = vectors.events.length + vectors.murmur2.length;
    expect(verdict.stdout.trim()).toBe(`${count} vectors agree`);
    expect(verdict.status).toBe(0);
  });
});
