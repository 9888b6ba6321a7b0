/** How the world of a kind differs from the usual one. */
export interface Needs {
  /** Settings of the events topic. */
  readonly topicSettings?: Readonly<Record<string, string>>;
  /** Of the events topic; 3 by default. */
  readonly replication?: number;
  /** Records a second of the load; 30 by default. */
  readonly rate?: number;
  /** For how long the load sends a record again; undefined: as the simulator does. */
  readonly deliveryTimeoutMs?: number;
  /** How many ingest-consumers; 2 by default, so that one may take over from the other. */
  readonly consumers?: number;
  /** Services take the time of clocks that can be set. */
  readonly clocks?: boolean;
  readonly env?: Readonly<Record<string, string>>;
}
