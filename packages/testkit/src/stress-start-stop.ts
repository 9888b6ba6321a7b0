/** Anything that starts and stops. */
export interface StartStop {
  start(): Promise<void>;
  stop(): Promise<void>;
}

const ROUNDS = 10;
const STOP_DEADLINE_MS = 5_000;

/**
 * Holds a service to what `runService` relies on: stop works before start, twice, during start
 * and from several callers at once, each within five seconds. `create` makes a fresh service.
 */
export async function stressStartStop(
  create: () => StartStop | Promise<StartStop>,
  rounds = ROUNDS,
): Promise<void> {
  const never = await create();
  await inTime('stop before start', never.stop());

  for (let round = 0; round < rounds; round += 1) {
    const calm = await create();
    await calm.start();
    await inTime('stop', calm.stop());
    await inTime('second stop', calm.stop());

    const hasty = await create();
    const starting = hasty.start().catch(() => undefined); // a start that is interrupted may fail
    const stops = Array.from({ length: 3 }, () => inTime('stop during start', hasty.stop()));
    await Promise.all([starting, ...stops]);
    await inTime('stop after an interrupted start', hasty.stop());
  }
}

async function inTime(what: string, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`${what} took over ${STOP_DEADLINE_MS} ms`)),
      STOP_DEADLINE_MS,
    );
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
