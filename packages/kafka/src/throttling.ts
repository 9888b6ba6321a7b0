/** The broker holds a client back, for a quota of its user or client id. */
export interface Throttle {
  /** How long it says that it will, in ms. */
  readonly forMs: number;
  /** `host:port/id` of the broker. */
  readonly broker: string;
}

export type OnThrottle = (throttle: Throttle) => void;

/** What of a native client this needs; its declarations leave the event's contents out. */
interface ThrottledClient {
  on(event: 'event.throttle', listener: (event: ThrottleEvent) => void): unknown;
}

interface ThrottleEvent {
  /** In ms; 0 when a request got through after one that did not. */
  readonly throttleTime: number;
  readonly brokerName: string;
}

/** Between two throttles the broker lets a request through: only what stays away for so long is over. */
const LINGERS_MS = 10_000;

/**
 * Whether a client is throttled. A throttled fetch is answered without records, and nothing more is heard on its
 * connection for as long: a partition that delivers nothing then is not stalled, and requests that share the
 * connection time out.
 */
export class Throttling {
  #untilMs = -Infinity;
  #onThrottle: OnThrottle | undefined;

  /** Hears of it from this client from now on, also where it replaces one that gave up. */
  listenTo(client: unknown): this {
    (client as ThrottledClient).on('event.throttle', ({ throttleTime, brokerName }) => {
      if (throttleTime > 0) this.note({ forMs: throttleTime, broker: brokerName });
    });
    return this;
  }

  /** A request was answered with it. */
  note(throttle: Throttle): void {
    this.#untilMs = Math.max(this.#untilMs, performance.now() + throttle.forMs + LINGERS_MS);
    this.#onThrottle?.(throttle);
  }

  /** True from the first throttle until none has come for a while. */
  get isOn(): boolean {
    return performance.now() < this.#untilMs;
  }

  /** Has each throttle told from now on; a second listener replaces the first. */
  tell(listener: OnThrottle): void {
    this.#onThrottle = listener;
  }
}
