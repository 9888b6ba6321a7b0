import { EVENT_TYPES, type EventType } from '@adtally/event-schema';
import { type EventKind, kindNumber, type Part, PARTS } from './measures.ts';

type Plays = Part['plays'];

/** An event type with the part it plays. */
export interface Player<P extends Part> {
  readonly type: EventType;
  readonly part: P;
}

type PlayerOf<N extends Plays> = Player<Extract<Part, { readonly plays: N }>>;

/** The event types that play a part, in their order. */
export function playersOf<N extends Plays>(plays: N): PlayerOf<N>[] {
  return EVENT_TYPES.map((type) => ({ type, part: PARTS[type] as Part })).filter(
    (player): player is PlayerOf<N> => player.part.plays === plays,
  );
}

if (playersOf('shown').length !== 1) throw new Error('one event type, not more, must be `shown`');

/** Whether `event_type` is of these types. */
export function typeIsOf(players: readonly Player<Part>[]): string {
  const labels = players.map(({ type }) => `'${type}'`);
  if (labels.length === 0) return 'false';
  return labels.length === 1 ? `event_type = ${labels[0]}` : `event_type IN (${labels.join(', ')})`;
}

/**
 * The number of the kind that an event of one of these types becomes.
 *
 * @param alias of the relation whose `event_type` is asked where there are several types
 */
export function kindOf<P extends Part>(
  players: readonly Player<P>[],
  kindIn: (part: P) => EventKind,
  alias: string,
): string {
  const numbers = players.map(({ part }) => `${kindNumber(kindIn(part))}::smallint`);
  if (numbers.length === 0) return 'NULL::smallint';
  // Nearly always one: then nothing is asked of the rows.
  if (new Set(numbers).size === 1) return numbers[0] as string;
  const cases = players.map(({ type }, index) => `WHEN '${type}' THEN ${numbers[index]}`);
  return `(CASE ${alias}.event_type ${cases.join(' ')} END)`;
}
