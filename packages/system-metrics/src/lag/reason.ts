/** Why a partition does not move: a word for labels, and a sentence. */
export interface Reason {
  readonly code: string;
  readonly detail: string;
}
