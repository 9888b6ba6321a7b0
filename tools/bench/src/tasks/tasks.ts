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

/** Writes what comes to an empty topic, until it has so many records. */
export interface RowByRowLiveTask {
  readonly kind: 'row-by-row-live';
  readonly kafka: KafkaSettings;
  readonly topic: string;
  readonly partitions: number;
  readonly records: number;
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly keyPrefix: string;
}

export interface RowByRowLiveResult {
  /** Of each record in the order of its commit, from its append. */
  readonly waitsMs: readonly number[];
}

/** Produces clean events of now. */
export interface GenerateTask {
  readonly kind: 'generate';
  readonly kafka: KafkaSettings;
  readonly topic: string;
  readonly records: number;
  /** Records a second; 0 = as fast as the broker takes them. */
  readonly rate: number;
  readonly seed: number;
  readonly lingerMs: number;
}

export interface GenerateResult {
  readonly sent: number;
  /** Reported as not taken, or perhaps not taken, by the broker. */
  readonly failed: number;
  readonly seconds: number;
  /** CPU of the generator's process while it sent. */
  readonly cpuSeconds: number;
}

/** Task by kind, with its result. */
export interface Tasks {
  readonly choose: { readonly task: ChooseTask; readonly result: ChooseResult };
  readonly floor: { readonly task: FloorTask; readonly result: FloorResult };
  readonly generate: { readonly task: GenerateTask; readonly result: GenerateResult };
  readonly 'row-by-row-live': {
    readonly task: RowByRowLiveTask;
    readonly result: RowByRowLiveResult;
  };
  readonly 'row-by-row': { readonly task: RowByRowTask; readonly result: RowByRowResult };
}

export type Task = Tasks[keyof Tasks]['task'];
