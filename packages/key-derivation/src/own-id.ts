import { EVENT_TYPES, PAYLOAD_COLUMNS, type EventType, type FIELDS } from '@adtally/event-schema';

type Field = (typeof FIELDS)[number];

/** The columns that may tell events of that type apart: ids that every one of them must carry. */
type OwnIdColumn<T extends EventType, F = Field> = F extends {
  readonly kind: 'uuid' | 'text';
  readonly requiredIn: readonly EventType[];
  readonly column: string;
}
  ? T extends F['requiredIn'][number]
    ? F['column']
    : never
  : never;

/**
 * What tells an event from others of its type and impression; `null`: nothing, there is at most one.
 * Frozen with the vectors: another entry for a type that has been counted is a recount of history.
 */
export const OWN_ID: { readonly [T in EventType]: OwnIdColumn<T> | null } = {
  impression: null,
  click: 'click_id',
  conversion: 'conversion_id',
};

/** How the own id of each event type is held, by the type's number. */
export const OWN_ID_KINDS: readonly ('uuid' | 'text' | null)[] = EVENT_TYPES.map((type) => {
  const name = OWN_ID[type];
  if (name === null) return null;
  const kind = PAYLOAD_COLUMNS.find((column) => column.name === name)?.kind;
  if (kind !== 'uuid' && kind !== 'text') throw new Error(`${name} cannot identify a ${type}`);
  return kind;
});
