export type Reached<T> =
  | { readonly kind: 'value'; readonly value: T }
  | { readonly kind: 'error'; readonly error: unknown }
  | { readonly kind: 'timeout' };

/** Waits for a promise at most so long; never rejects. */
export function withinBudget<T>(work: Promise<T>, budgetMs: number): Promise<Reached<T>> {
  return new Promise((resolve) => {
    // The event loop runs due timers before it reads sockets: after a long stretch of decoding the
    // answer may lie there unread. `setImmediate` lets it be read once before we call it late.
    const timer = setTimeout(() => setImmediate(() => resolve({ kind: 'timeout' })), budgetMs);
    work.then(
      (value) => {
        clearTimeout(timer);
        resolve({ kind: 'value', value });
      },
      (error: unknown) => {
        clearTimeout(timer);
        resolve({ kind: 'error', error });
      },
    );
  });
}
