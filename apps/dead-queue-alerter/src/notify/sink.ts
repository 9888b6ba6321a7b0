import type { Message } from '../incidents/message.ts';

/**
 * What became of one attempt:
 * - `sent`: the sink has it
 * - `unavailable`: it may take it later (network, time-out, 408, 429, 5xx); so may whatever waits behind
 * - `refused`: it will not take this one (any other status)
 */
export type SendOutcome =
  | { readonly kind: 'sent' }
  | {
      readonly kind: 'unavailable';
      readonly error: string;
      /** How long the sink itself asks to be left alone; null where it says nothing. */
      readonly retryAfterMs: number | null;
    }
  | { readonly kind: 'refused'; readonly error: string };

/** One place where people are told. */
export interface Sink<Name extends string = string> {
  readonly name: Name;
  /** One attempt, bounded in time; never rejects. The signal gives it up. */
  send(message: Message, signal: AbortSignal): Promise<SendOutcome>;
  /** Some forget what is not said again: how often, and how, open incidents are repeated to them. */
  readonly refresh?: {
    readonly everyMs: number;
    send(messages: readonly Message[], signal: AbortSignal): Promise<SendOutcome>;
  };
}
