import { say } from '@adtally/command-line';

/** Receives one line about what is being done; the command line prints it on stderr. */
export type Report = (line: string) => void;

export const reportToStderr: Report = say;

const SAY_AGAIN_MS = 15_000;

/** Runs something that may take long and says every 15 s that it still does. */
export async function reportWhile<T>(
  report: Report,
  label: string,
  work: () => Promise<T>,
): Promise<T> {
  const started = performance.now();
  const seconds = (): string => ((performance.now() - started) / 1000).toFixed(0);
  const timer = setInterval(() => report(`${label}: ${seconds()} s`), SAY_AGAIN_MS);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}
