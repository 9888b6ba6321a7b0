import { Buffer } from 'node:buffer';
import { EVENT_KEY_HEADER, uuidBytes, uuidText, type RecordHeader } from '@adtally/event-schema';
import { eventKeyOf, partitionFor } from '@adtally/key-derivation';
import { MINUTE_MS } from './activity.ts';
import type { Kept } from './copies.ts';
import {
  ordinaryJson,
  respeltJson,
  type PlannedEvent,
  type PlannedType,
  type Transport,
} from './event.ts';
import type { Mix } from './mix.ts';
import type { PlannedRecord } from './planned-record.ts';
import type { Rng } from './rng.ts';

/** A valid record is late when its impression was born longer ago than this. */
const LATE_AFTER_MS = 2 * MINUTE_MS;
const RESPELT_COPY = 0.3;
const COPY_ELSEWHERE = 0.05;
const SOURCES = ['edge-eu-1', 'edge-eu-2', 'edge-us-1', 'sdk-ios', 'sdk-android'];
const UNKNOWN_MEMBERS = ['"viewability":0.75', '"device":{"os":"x","tags":["a",null,true]}'];

/** A record, and what to keep of it once it is sent. */
export interface Dispatch {
  readonly record: PlannedRecord;
  readonly kept: Kept | null;
}

/** Turns events into records: key, partition, spelling, headers. */
export class RecordMaker {
  readonly #mix: Mix;
  readonly #partitions: number;
  readonly #rng: Rng;
  #identities = 0;

  constructor(mix: Mix, partitions: number, rng: Rng) {
    this.#mix = mix;
    this.#partitions = partitions;
    this.#rng = rng;
  }

  /** The first record of an event that was not planned before. */
  first(event: PlannedEvent, arrivedMs: number): Dispatch {
    const rng = this.#rng;
    const mix = this.#mix;
    const misrouted = rng.chance(mix.misrouted);
    const [key, partition] = misrouted ? this.#wrongPlace(event) : [event.impressionId, null];
    const unknownFields = rng.chance(mix.unknownFields) ? 1 + rng.below(UNKNOWN_MEMBERS.length) : 0;
    const transport = this.#transport(arrivedMs);
    const known = rng.chance(mix.respelt)
      ? respeltJson(event, transport, rng)
      : ordinaryJson(event, transport);
    const json = withUnknown(known, unknownFields);
    const kept: Kept = {
      identity: this.#identities,
      event,
      json,
      key,
      partition,
      misrouted,
      unknownFields,
      versions: 1,
    };
    this.#identities += 1;
    const headers = [
      ...(rng.chance(mix.keyHeader) ? keyHeader(event) : []),
      // A share of 0 asks for no number: what was planned by a seed before stays.
      ...(mix.traceHeader > 0 && rng.chance(mix.traceHeader) ? traceHeader(kept.identity) : []),
    ];
    const sent = headers.length > 0 ? headers : null;
    return { record: recordOf(kept, event, 0, json, arrivedMs, sent), kept };
  }

  /** The same payload again, perhaps spelt another way, perhaps in another partition. */
  copy(kept: Kept, arrivedMs: number): PlannedRecord {
    const rng = this.#rng;
    const isRespelt = rng.chance(RESPELT_COPY);
    const json = isRespelt ? respeltJson(kept.event, this.#transport(arrivedMs), rng) : kept.json;
    const isElsewhere = this.#partitions > 1 && rng.chance(COPY_ELSEWHERE);
    const copied: Kept = {
      ...kept,
      partition: isElsewhere ? this.#otherPartition(kept.event) : kept.partition,
      misrouted: kept.misrouted || isElsewhere,
      unknownFields: isRespelt ? 0 : kept.unknownFields,
    };
    return recordOf(copied, kept.event, 0, json, arrivedMs, null);
  }

  /** Another payload of the same identity, in the same partition: which came first is never in doubt. */
  conflict(kept: Kept, event: PlannedEvent, version: number, arrivedMs: number): PlannedRecord {
    const json = ordinaryJson(event, this.#transport(arrivedMs));
    return recordOf({ ...kept, unknownFields: 0 }, event, version, json, arrivedMs, null);
  }

  #transport(arrivedMs: number): Transport {
    return { source: this.#rng.pick(SOURCES), sentAtMicros: arrivedMs * 1000 };
  }

  /** A key that is not the impression id, or a partition that is not the key's. */
  #wrongPlace(event: PlannedEvent): [key: string | null, partition: number | null] {
    const way = this.#rng.below(this.#partitions > 1 ? 3 : 2);
    if (way === 0) return [event.placement.text, null];
    // Without a key the partitioner would choose at random: the plan chooses instead.
    if (way === 1) return [null, this.#rng.below(this.#partitions)];
    return [event.impressionId, this.#otherPartition(event)];
  }

  #otherPartition(event: PlannedEvent): number {
    const own = partitionFor(Buffer.from(event.impressionId), this.#partitions);
    return (own + 1 + this.#rng.below(this.#partitions - 1)) % this.#partitions;
  }
}

function recordOf(
  place: Kept,
  event: PlannedEvent,
  version: number,
  json: string,
  arrivedMs: number,
  headers: readonly RecordHeader[] | null,
): PlannedRecord {
  const { identity, misrouted, unknownFields, key, partition } = place;
  const late = arrivedMs - event.bornMs > LATE_AFTER_MS;
  return {
    key,
    value: Buffer.from(json),
    headers,
    partition,
    truth: { kind: 'event', identity, version, event, misrouted, unknownFields, late },
  };
}

function withUnknown(json: string, count: number): string {
  if (count === 0) return json;
  return `{${UNKNOWN_MEMBERS.slice(0, count).join(',')},${json.slice(json.indexOf('{') + 1)}`;
}

/** The bytes of what tells an event from others of its type and impression. */
const OWN_ID: Readonly<Record<PlannedType, (event: PlannedEvent) => Uint8Array | null>> = {
  impression: () => null,
  click: ({ clickId }) => uuidBytes(clickId ?? ''),
  conversion: ({ conversionId }) => Buffer.from(conversionId ?? ''),
};

/** A span of its own in a trace of its own, by https://www.w3.org/TR/trace-context/, as its producer recorded it. */
function traceHeader(identity: number): readonly RecordHeader[] {
  const [trace, span] = [32, 16].map((digits) => (identity + 1).toString(16).padStart(digits, '0'));
  return [{ traceparent: Buffer.from(`00-${trace}-${span}-01`) }];
}

/** The event's true idempotency key, as a careful producer may state it. */
function keyHeader(event: PlannedEvent): readonly RecordHeader[] {
  const impressionId = uuidBytes(event.impressionId);
  if (impressionId === null) throw new Error('a planned impression id is no UUID');
  const key = uuidText(eventKeyOf(event.type, impressionId, OWN_ID[event.type](event)));
  return [{ [EVENT_KEY_HEADER]: Buffer.from(key) }];
}
