/** How the world of a kind differs from the usual one. */
export interface Needs {
  /** Settings of the events topic. */
  readonly topicSettings?: Readonly<Record<string, string>>;
  readonly dlqSettings?: Readonly<Record<string, string>>;
  /** Records a second of the load; 30 by default. */
  readonly rate?: number;
  readonly env?: Readonly<Record<string, string>>;
}
