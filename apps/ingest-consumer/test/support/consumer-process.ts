import { ServiceProcess } from '@adtally/testkit';

const MAIN = new URL('../../src/main.ts', import.meta.url).pathname;

export interface Status {
  readonly owned: readonly {
    partition: number;
    next_offset: number;
    read_offset: number;
    epoch: number;
    log_end: number | null;
    reason: string | null;
    detail: string | null;
  }[];
  readonly waiting: readonly { partition: number; reason: string | null; detail: string | null }[];
  readonly held_up: { code: string; detail: string } | null;
  readonly halted: readonly { partition: number; code: string; detail: string }[];
  /** What the leader last found; without partitions where that is not known. */
  readonly lag: {
    readonly partitions?: readonly { partition: number; lag_records: number; state: string }[];
  };
}

/** A consumer in a process of its own. */
export class ConsumerProcess extends ServiceProcess {
  constructor(env: Readonly<Record<string, string>>, argv: readonly string[] = []) {
    super(MAIN, env, { argv });
  }

  async status(): Promise<Status> {
    return (await (await this.get('/status')).json()) as Status;
  }

  /** Owns just these many partitions. */
  async owns(count: number): Promise<void> {
    await this.until(`${count} owned partitions`, async () => {
      return (await this.status()).owned.length === count;
    });
  }

  /** Has this partition standing still, and says why. */
  async halted(partition: number): Promise<string> {
    return await this.until(`partition ${partition} halted`, async () => {
      return (await this.status()).halted.find((one) => one.partition === partition)?.code;
    });
  }
}
