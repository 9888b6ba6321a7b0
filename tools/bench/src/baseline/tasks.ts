import type { KafkaSettings } from '@adtally/kafka';

/** What every task that reads the topic needs; travels to its process as JSON. */
interface ReadingTask {
  readonly kafka: KafkaSettings;
  readonly topic: string;
  readonly ends: readonly number[];
  /** One byte a record, partition after partition: 1 = the floor loads it. */
  readonly chosenFile: string;
}

/** Marks the records the floor loads. */
export interface ChooseTask extends ReadingTask {
  readonly kind: 'choose';
}

export interface ChooseResult {
  readonly chosen: number;
  /** Records that the fast decoder took, without the reference decoder. */
  readonly scanned: number;
}

export interface FloorTask extends ReadingTask {
  readonly kind: 'floor';
  readonly databaseUrl: string;
  /** Rows of one COPY. */
  readonly batchRows: number;
}

export interface FloorResult {
  readonly seconds: number;
  readonly records: number;
  readonly stored: number;
  /** CPU of this process while the clock ran. */
  readonly cpuSeconds: number;
}

export interface RowByRowTask extends ReadingTask {
  readonly kind: 'row-by-row';
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly keyPrefix: string;
  /** Ends after so long, or with the topic. */
  readonly seconds: number;
}

export interface RowByRowResult {
  readonly seconds: number;
  readonly records: number;
}

/** Task by kind, with its result. */
export interface Tasks {
  readonly choose: { readonly task: ChooseTask; readonly result: ChooseResult };
  readonly floor: { readonly task: FloorTask; readonly result: FloorResult };
  readonly 'row-by-row': { readonly task: RowByRowTask; readonly result: RowByRowResult };
}

export type Task = Tasks[keyof Tasks]['task'];
