import type { World } from '@adtally/breaking-run';
import type { Rng } from '@adtally/event-simulator';

/**
 * What a fault takes for itself while it lasts: a service by its label, or a part of the world. No two faults that take
 * the same are there at one time, since the one would hide the other or heal it.
 */
export type Part =
  /** One broker of three at most: two others must stay in sync. */
  | 'brokers'
  /** The server process of PostgreSQL, and what is set in it. */
  | 'postgres'
  /** The services' way to PostgreSQL. */
  | 'postgres-way'
  | 'redis'
  | 'group'
  | 'sink'
  | ServiceLabel;

export const SERVICE_LABELS = [
  'consumer-1',
  'consumer-2',
  'consumer-3',
  'reprocessor',
  'alerter',
  'backfill',
] as const;
export type ServiceLabel = (typeof SERVICE_LABELS)[number];

export const NODES = ['1', '2', '3'] as const;

/** One way of breaking things while others are broken too. Everything must go on by itself once it is over. */
export interface Fault {
  /** Words in lower case with dashes between. */
  readonly name: string;
  /** For the report: what is done, in a few words. */
  readonly what: string;
  readonly takes: readonly Part[];
  /** It happens to one of these, which it takes too where it is a service. */
  readonly targets?: readonly string[];
  /** Nothing is counted meanwhile, or may not be. */
  readonly stopsFlow?: true;
  /** Only where something is counted it can show that it happened. */
  readonly needsFlow?: true;
  /** How often in one run at most. */
  readonly most?: number;
  /** What the services must be set to. */
  readonly env?: Readonly<Record<string, string>>;
  /** How long it lasts, at least and at most. */
  readonly seconds: readonly [least: number, most: number];
  start(stage: Stage, target: string): Promise<Broken>;
}

/** A fault that is there. */
export interface Broken {
  /** What proves it, asked until it says something. */
  evidence(): Promise<string | undefined>;
  heal(): Promise<void>;
}

/** What faults work on. */
export interface Stage {
  readonly world: World;
  /** Of this fault alone. */
  readonly rng: Rng;
  /** Offsets that hold no event any more, or never did, and must be told as gaps: exactly so many. */
  noteGaps(offsets: number): void;
}
