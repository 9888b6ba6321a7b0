/** What a crash build is told by its environment; nothing of it is in a production build. */
export const GATE_ENV = {
  /** The name of the place to stop at. */
  place: 'CRASH_PLACE',
  side: 'CRASH_SIDE',
  signal: 'CRASH_SIGNAL',
  /** A file to which every place is added when it is passed first, with the number of its moment. */
  record: 'CRASH_RECORD',
} as const;

/** Before the call that is awaited, with nothing of it done; after its answer came, with nothing made of it. */
export type Side = 'before' | 'after';

/** What a process says. */
export const MESSAGES = {
  atPlace: 'at place',
  /** Some moments after it was let go on. */
  wentOn: 'went on',
} as const;

/** What a process writes right before it goes. */
export interface AtPlace {
  readonly msg: typeof MESSAGES.atPlace;
  readonly name: string;
  readonly side: Side;
  /** `side name` of all places passed in this moment, the one where it goes included. */
  readonly moment: readonly string[];
}
