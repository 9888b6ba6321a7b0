import type { ClientWords } from './client-words.ts';
import { leaderAddresses } from './leader-addresses.ts';
import type { Watermarks } from './listed-offsets.ts';
import { queryWatermarks } from './log-offsets.ts';
import { LogWitness, type ReadUpTo } from './log-witness.ts';
import type { NativeConsumer } from './rdkafka.ts';
import type { KafkaSettings } from './settings.ts';

/** Asks for the log of a partition, by another connection than the one that reads. */
export type AskLog = (partition: number) => Promise<Watermarks>;

/** What is asked of the brokers about the logs of one topic, beside reading them. */
export class LogQuestions {
  readonly witness: LogWitness;
  /** The offsets that a partition's log holds. */
  readonly watermarks: AskLog;

  constructor(
    native: NativeConsumer,
    words: ClientWords,
    settings: KafkaSettings,
    topic: string,
    askLog?: AskLog,
  ) {
    const watermarks =
      askLog ?? ((partition: number) => queryWatermarks(native, words, topic, partition));
    const leaders = () => leaderAddresses(native, topic);
    this.watermarks = watermarks;
    this.witness = new LogWitness(settings, topic, { leaders, watermarks });
  }

  /** As `RecordSource.departures`. */
  departures(read: ReadonlyMap<number, ReadUpTo>): Promise<Map<number, number>> {
    return this.witness.departures(read);
  }
}
