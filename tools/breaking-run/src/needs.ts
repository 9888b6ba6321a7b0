/** How the world of a kind differs from the usual one. */
export interface Needs {
  /** Settings of the events topic. */
  readonly topicSettings?: Readonly<Record<string, string>>;
  /** Of the events topic; 3 by default. */
  readonly replication?: number;
  /** Records a second of the load; 30 by default. */
  readonly rate?: number;
  readonly env?: Readonly<Record<string, string>>;
}
