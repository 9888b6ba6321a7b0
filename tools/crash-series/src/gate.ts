import { appendFileSync, writeSync } from 'node:fs';

/** What a crash build is told by its environment; nothing of it is in a production build. */
export const GATE_ENV = {
  /** The name of the place to stop at. */
  place: 'CRASH_PLACE',
  side: 'CRASH_SIDE',
  /** The passage at which to stop, 1 for the first. */
  passage: 'CRASH_PASSAGE',
  signal: 'CRASH_SIGNAL',
  /** A file to which every place is added when it is passed first. */
  record: 'CRASH_RECORD',
} as const;

/** Before the call that is awaited, with nothing of it done; after its answer came, with nothing made of it. */
export type Side = 'before' | 'after';

const armed = process.env[GATE_ENV.place];
const armedSide = process.env[GATE_ENV.side];
const record = process.env[GATE_ENV.record];
const signal = process.env[GATE_ENV.signal] ?? 'SIGKILL';
let passagesLeft = Number(process.env[GATE_ENV.passage] ?? '1');
const passed = new Set<string>();
const STDERR = 2;

function pass(name: string, side: Side): void {
  if (record !== undefined) {
    const line = `${side} ${name}\n`;
    if (!passed.has(line)) appendFileSync(record, line);
    passed.add(line);
  }
  if (name !== armed || side !== armedSide || passagesLeft <= 0) return;
  passagesLeft -= 1;
  if (passagesLeft > 0) return;
  // Written before the end: who finds this line and an exit by the signal knows where it was.
  writeSync(STDERR, `${JSON.stringify({ level: 'fatal', msg: 'at place', name, side })}\n`);
  process.kill(process.pid, signal);
}

export function before(name: string): void {
  pass(name, 'before');
}

/** Where what was awaited failed nobody comes here: the places behind are those of the failure. */
export function after<T>(name: string, value: T): T {
  pass(name, 'after');
  return value;
}

/** Both sides of each turn of a loop that awaits. */
export async function* each<T>(name: string, items: AsyncIterable<T>): AsyncGenerator<T> {
  const iterator = items[Symbol.asyncIterator]();
  try {
    for (;;) {
      before(name);
      const next = after(name, await iterator.next());
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    await iterator.return?.();
  }
}
