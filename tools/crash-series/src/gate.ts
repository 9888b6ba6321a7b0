import fs from 'node:fs';
import { GATE_ENV, MESSAGES, type AtPlace, type Side } from './gate-env.ts';
import { watchSends } from './sends.ts';

const armed = process.env[GATE_ENV.place];
const armedSide = process.env[GATE_ENV.side];
const record = process.env[GATE_ENV.record];
const signal = process.env[GATE_ENV.signal] ?? 'SIGKILL';
const { appendFileSync, writeSync } = fs;
const recorded = new Set<string>();
const STDERR = 2;
/** So many moments behind its place a zombie has met whatever was done to it meanwhile, and dealt with it. */
const MOMENTS_ON = 5;

let isDone = false;
/** What has been passed since this process last told or heard anything. */
let moment: string[] = [];
let moments = 0;
let isEndExpected = false;
let isOwn = false;
let goesOnAt = Infinity;

function endMoment(): void {
  if (isOwn || moment.length === 0) return;
  moments += 1;
  moment = [];
}

function pass(name: string, side: Side): void {
  // It comes behind all that goes on without an answer of anybody, and before the next one that answers.
  if (!isEndExpected) {
    isEndExpected = true;
    process.nextTick(() => {
      isEndExpected = false;
      endMoment();
    });
  }
  const place = `${side} ${name}`;
  moment.push(place);
  if (record !== undefined && !recorded.has(place)) {
    recorded.add(place);
    isOwn = true;
    appendFileSync(record, `${moments} ${place}\n`);
    isOwn = false;
  }
  if (moments >= goesOnAt) {
    goesOnAt = Infinity;
    write({ msg: MESSAGES.wentOn, name, side });
  }
  if (name !== armed || side !== armedSide || isDone) return;
  isDone = true;
  // Written before the end: who finds this line and an exit by the signal knows where it was.
  write({ msg: MESSAGES.atPlace, name, side, moment: [...new Set(moment)] } satisfies AtPlace);
  goesOnAt = moments + MOMENTS_ON;
  process.kill(process.pid, signal);
}

function write(line: object): void {
  writeSync(STDERR, `${JSON.stringify({ level: 'fatal', ...line })}\n`);
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

await watchSends(endMoment);
