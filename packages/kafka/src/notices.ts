import { codeOf, messageOf } from './errors.ts';

/** Something worth a log line that the adapter deals with itself. */
export interface Notice {
  readonly kind: 'connection' | 'consume' | 'commit' | 'produce' | 'rebalance' | 'stall' | 'leave';
  readonly code: number;
  readonly message: string;
  /** How many equal notices were held back since the last one. */
  readonly suppressed: number;
}

export type OnNotice = (notice: Notice) => void;

/** The client repeats "broker transport failure" dozens of times a second while a broker is away. */
const SAME_NOTICE_EVERY_MS = 10_000;
const MAX_REMEMBERED = 200;

/** Hands notices on, each distinct text at most once in ten seconds. */
export class NoticeBoard {
  readonly #onNotice: OnNotice | undefined;
  readonly #seen = new Map<string, { atMs: number; suppressed: number }>();

  constructor(onNotice: OnNotice | undefined) {
    this.#onNotice = onNotice;
  }

  post(kind: Notice['kind'], error: unknown): void {
    if (this.#onNotice === undefined) return;
    const code = codeOf(error);
    const message = messageOf(error);
    const key = `${kind} ${code} ${message.replace(/\d+/g, '#')}`;
    const now = performance.now();
    const last = this.#seen.get(key);
    if (last !== undefined && now - last.atMs < SAME_NOTICE_EVERY_MS) {
      last.suppressed++;
      return;
    }
    if (this.#seen.size >= MAX_REMEMBERED) this.#seen.clear();
    this.#seen.set(key, { atMs: now, suppressed: 0 });
    this.#onNotice({ kind, code, message, suppressed: last?.suppressed ?? 0 });
  }
}
