/**
 * The event contract's one table. The reference validator, the published JSON Schema, the columnar
 * batch and both PostgreSQL encoders follow from it; a test compares it with the migrated database.
 * To add an optional field: one entry here, one migration (docs/how-to-add-a-field.md).
 */

/**
 * Order is storage order: the index is what a batch keeps in its `eventType` column. To add a type, append
 * it and follow the compiler (docs/how-to-add-an-event-type.md).
 */
export const EVENT_TYPES = ['impression', 'click', 'conversion'] as const;
export type EventType = (typeof EVENT_TYPES)[number];

/** A table by event type whose entries follow from the type alone; where one must be decided, write it out. */
export function byEventType<T>(entryOf: (type: EventType) => T): Readonly<Record<EventType, T>> {
  return Object.fromEntries(EVENT_TYPES.map((type) => [type, entryOf(type)])) as Record<
    EventType,
    T
  >;
}

/**
 * What a JSON value must be.
 * - `uuid`: a string in the 8-4-4-4-12 form, either case
 * - `time`: an RFC 3339 string with `Z` or an offset, cut to the microsecond
 * - `micros`: a JSON integer 0..2^63-1 spelt in digits only
 * - `text`: a string of 1..maxCodePoints code points
 * - `currency`: three capital letters, as ISO 4217 writes them
 */
export type FieldKind = 'uuid' | 'time' | 'micros' | 'text' | 'currency';

export interface FieldDeclaration {
  /** The name in the JSON event. */
  readonly name: string;
  readonly kind: FieldKind;
  /** The event types that must carry it. */
  readonly requiredIn: readonly EventType[];
  /** The event types that may carry it; `null` is as good as absent. Elsewhere it is an unknown field. */
  readonly optionalIn: readonly EventType[];
  /** The column of table `events`; `null` = checked, then forgotten (a transport fact). */
  readonly column: string | null;
  /** `text` only: the longest value, in code points. */
  readonly maxCodePoints?: number;
  /** One sentence for the JSON Schema and the documents. */
  readonly description: string;
}

const ALL = EVENT_TYPES;
const NONE: readonly EventType[] = [];

/** The longest identifier, in code points (not bytes, not UTF-16 units). */
export const IDENTIFIER_CODE_POINTS_MAX = 64;

const identifier = { kind: 'text', maxCodePoints: IDENTIFIER_CODE_POINTS_MAX } as const;

export const FIELDS = [
  {
    name: 'impression_id',
    kind: 'uuid',
    requiredIn: ALL,
    optionalIn: NONE,
    column: 'impression_id',
    description: 'The impression all events of one showing share; UUIDv7 expected.',
  },
  {
    name: 'occurred_at',
    kind: 'time',
    requiredIn: ALL,
    optionalIn: NONE,
    column: 'occurred_at',
    description: 'When it happened; not part of identity.',
  },
  {
    name: 'price_micros',
    kind: 'micros',
    requiredIn: ['impression', 'click'],
    optionalIn: NONE,
    column: 'amount_micros',
    description: 'What the advertiser pays for it, in millionths of the currency unit.',
  },
  {
    name: 'value_micros',
    kind: 'micros',
    requiredIn: ['conversion'],
    optionalIn: NONE,
    column: 'amount_micros',
    description: 'What the conversion is worth, in millionths of the currency unit.',
  },
  {
    name: 'currency',
    kind: 'currency',
    requiredIn: ALL,
    optionalIn: NONE,
    column: 'currency',
    description: 'ISO 4217 code of the amount.',
  },
  {
    name: 'campaign_id',
    ...identifier,
    requiredIn: ALL,
    optionalIn: NONE,
    column: 'campaign_id',
    description: 'Opaque campaign identifier.',
  },
  {
    name: 'creative_id',
    ...identifier,
    requiredIn: ALL,
    optionalIn: NONE,
    column: 'creative_id',
    description: 'Opaque creative identifier.',
  },
  {
    name: 'placement_id',
    ...identifier,
    requiredIn: ALL,
    optionalIn: NONE,
    column: 'placement_id',
    description: 'Opaque placement identifier.',
  },
  {
    name: 'click_id',
    kind: 'uuid',
    requiredIn: ['click'],
    optionalIn: ['conversion'],
    column: 'click_id',
    description: 'Identity of the click; on a conversion, the click it claims.',
  },
  {
    name: 'conversion_id',
    ...identifier,
    requiredIn: ['conversion'],
    optionalIn: NONE,
    column: 'conversion_id',
    description: 'Identity of the conversion.',
  },
  {
    name: 'source',
    ...identifier,
    requiredIn: NONE,
    optionalIn: ALL,
    column: null,
    description: 'Which system sent it; a transport fact, neither identity nor payload.',
  },
  {
    name: 'sent_at',
    kind: 'time',
    requiredIn: NONE,
    optionalIn: ALL,
    column: null,
    description: 'When it was sent; a transport fact, neither identity nor payload.',
  },
] as const satisfies readonly FieldDeclaration[];

/** How a column is held in a batch and written to PostgreSQL. */
export type ColumnKind = 'uuid' | 'time' | 'micros' | 'text';

export interface PayloadColumn {
  /** The column's name in table `events`. */
  readonly name: string;
  readonly kind: ColumnKind;
  /** True where some event type has no value for it. */
  readonly nullable: boolean;
}

/** The payload columns of table `events` in declaration order; two fields may share one column. */
export const PAYLOAD_COLUMNS: readonly PayloadColumn[] = payloadColumns(FIELDS);

/** Derives the payload columns of a field table (a parameter so that the how-to's test can try another). */
export function payloadColumns(fields: readonly FieldDeclaration[]): readonly PayloadColumn[] {
  const byColumn = Map.groupBy(
    fields.filter((field) => field.column !== null),
    (field) => field.column as string,
  );
  return [...byColumn].map(([name, sharing]) => {
    const required = new Set(sharing.flatMap((field) => field.requiredIn));
    const kind = sharing[0]?.kind;
    if (kind === undefined) throw new Error(`column ${name} has no field`);
    return {
      name,
      kind: kind === 'currency' ? 'text' : kind,
      nullable: !EVENT_TYPES.every((type) => required.has(type)),
    };
  });
}
