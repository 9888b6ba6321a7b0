import type { GroupConsumer } from '@adtally/kafka';
import { RecurringTask } from '@adtally/pacing';
import type { ServerStanding } from '@adtally/service';

const CHECK_EVERY_MS = 500;

/** Notes on a clock how this process stands with its group; it ends by itself where waiting cannot help. */
export class GroupCheck {
  /** Rejects with `ServerUnusable` where the group will never let us in. */
  readonly over: Promise<never>;
  readonly #checking: RecurringTask;

  constructor(consumer: Pick<GroupConsumer, 'place'>, group: ServerStanding) {
    const { promise, reject } = Promise.withResolvers<never>();
    this.over = promise;
    promise.catch(() => undefined);
    this.#checking = new RecurringTask({
      everyMs: CHECK_EVERY_MS,
      run: async () => {
        const { place } = consumer;
        if (place === 'member') group.worked();
        else if (place !== 'joining') group.failed(place);
      },
      onError: reject,
    });
  }

  start(): void {
    this.#checking.start();
  }

  async stop(): Promise<void> {
    await this.#checking.stop();
  }
}
