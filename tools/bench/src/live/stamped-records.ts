import { Plan, type Mix } from '@adtally/event-simulator';

const UUID_LENGTH = 36;
/** `2026-01-02T03:04:05.678`; the microseconds behind it stay those of the template. */
const TIME_LENGTH = 23;
const CONVERSION_ID = `order-${'0'.repeat(16)}`;
const TEMPLATES = 4_096;
/** Impressions that a click or conversion may still be of. */
const HISTORY = 1 << 20;
/** Mean delay of a click or conversion after its impression, as the simulator's. */
const DELAY_SECONDS = 30;

const HEX = Uint8Array.from('0123456789abcdef', (digit) => digit.charCodeAt(0));

export interface StampedRecord {
  readonly topic: string;
  readonly key: Buffer;
  readonly value: Buffer;
}

/** One record built before the clock runs, and where its identity and times stand. */
interface Slot {
  readonly record: StampedRecord;
  readonly isImpression: boolean;
  readonly impressionId: number;
  /** Of a click: its identity; of a conversion: the click it claims. -1 where there is none. */
  readonly clickId: number;
  /** Where the 16 digits of a conversion's identity stand; -1 where there are none. */
  readonly conversionDigits: number;
  readonly times: readonly number[];
}

/**
 * Records built beforehand: to be sent, one only gets a new identity and the present time, in place. So a
 * generator costs little more than the client that sends. Every record is unique and valid.
 */
export class StampedRecords {
  readonly #slots: Slot[];
  readonly #history = Buffer.alloc(HISTORY * UUID_LENGTH);
  readonly #uuid = Buffer.alloc(UUID_LENGTH);
  readonly #delayRecords: number;
  #time = '';
  #impressions = 0;
  #taken = 0;
  #identities = 0;
  #random: number;

  /** @param rate records a second, which says how far back in the stream a click's impression lies */
  constructor(topic: string, seed: number, mix: Partial<Mix>, rate: number) {
    const plan = { events: TEMPLATES, seed, baseTimeMs: Date.now(), partitions: 1, mix };
    this.#slots = Array.from(new Plan(plan), ({ value }) => slotOf(topic, String(value)));
    this.#delayRecords = DELAY_SECONDS * rate;
    this.#random = (Date.now() ^ Math.imul(process.pid, 0x9e3779b1)) | 1;
  }

  /** The instant that the next records bear, milliseconds since 1970. */
  setTime(nowMs: number): void {
    this.#time = new Date(nowMs).toISOString().slice(0, TIME_LENGTH);
    const milliseconds = nowMs.toString(16).padStart(12, '0');
    const head = `${milliseconds.slice(0, 8)}-${milliseconds.slice(8)}`;
    this.#uuid.write(`${head}-7000-8000-000000000000`, 'latin1');
  }

  /** The next record; its buffers are used again by a later call. */
  next(): StampedRecord {
    const slot = this.#slots[this.#taken % this.#slots.length] as Slot;
    this.#taken += 1;
    this.#stamp(slot, this.#time);
    return slot.record;
  }

  #stamp(slot: Slot, time: string): void {
    const { value } = slot.record;
    for (const at of slot.times) value.write(time, at, 'latin1');
    if (slot.isImpression || this.#impressions === 0) this.#writeUuid(value, slot.impressionId);
    else this.#copyImpression(value, slot.impressionId);
    if (slot.isImpression) this.#remember(value, slot.impressionId);
    if (slot.clickId >= 0) this.#writeUuid(value, slot.clickId);
    if (slot.conversionDigits >= 0) this.#writeDigits(value, slot.conversionDigits);
  }

  #remember(value: Buffer, at: number): void {
    const place = (this.#impressions % HISTORY) * UUID_LENGTH;
    value.copy(this.#history, place, at, at + UUID_LENGTH);
    this.#impressions += 1;
  }

  #copyImpression(value: Buffer, at: number): void {
    const known = Math.min(this.#impressions, HISTORY);
    const back = 1 + Math.floor(-Math.log(this.#unit()) * this.#delayRecords);
    const place = ((this.#impressions - Math.min(back, known)) % HISTORY) * UUID_LENGTH;
    this.#history.copy(value, at, place, place + UUID_LENGTH);
  }

  #writeUuid(value: Buffer, at: number): void {
    const uuid = this.#uuid;
    const random = this.#next();
    this.#hex(uuid, 15, random, 3);
    this.#hex(uuid, 20, random >>> 12, 3);
    this.#writeUnique(uuid, 24);
    uuid.copy(value, at, 0, UUID_LENGTH);
  }

  #writeDigits(value: Buffer, at: number): void {
    this.#hex(value, at, this.#next(), 4);
    this.#writeUnique(value, at + 4);
  }

  /** 12 digits that no other identity of this run has: a counter of identities below random ones. */
  #writeUnique(target: Buffer, at: number): void {
    this.#identities += 1;
    this.#hex(target, at, this.#next(), 3);
    this.#hex(target, at + 3, Math.floor(this.#identities / 0x1000000), 3);
    this.#hex(target, at + 6, this.#identities % 0x1000000, 6);
  }

  #hex(target: Buffer, at: number, value: number, digits: number): void {
    for (let place = digits - 1, rest = value; place >= 0; place -= 1, rest >>>= 4)
      target[at + place] = HEX[rest & 15] as number;
  }

  /** Xorshift32: identities must differ, not be unpredictable. */
  #next(): number {
    let x = this.#random;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#random = x;
    return x >>> 0;
  }

  #unit(): number {
    return (this.#next() + 1) / 2 ** 32;
  }
}

function slotOf(topic: string, json: string): Slot {
  // An identity of a length that is known.
  const template = json.replace(/"conversion_id":"[^"]*"/, `"conversion_id":"${CONVERSION_ID}"`);
  const value = Buffer.from(template);
  const find = (name: string): number => {
    const label = `"${name}":"`;
    const at = value.indexOf(label);
    return at < 0 ? -1 : at + label.length;
  };
  const impressionId = find('impression_id');
  const conversionId = find('conversion_id');
  const key = value.subarray(impressionId, impressionId + UUID_LENGTH);
  return {
    record: { topic, key, value },
    isImpression: template.includes('"event_type":"impression"'),
    impressionId,
    clickId: find('click_id'),
    conversionDigits: conversionId < 0 ? -1 : conversionId + 'order-'.length,
    times: [find('occurred_at'), find('sent_at')].filter((at) => at >= 0),
  };
}
