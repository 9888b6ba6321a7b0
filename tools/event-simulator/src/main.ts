import { readCommandLine, USAGE, UsageError } from './args.ts';
import { progressPrinter } from './progress.ts';
import { simulate } from './simulate.ts';
import type { Truth } from './truth.ts';

const EXIT_INCOMPLETE = 1;
const EXIT_USAGE = 64;

async function main(): Promise<void> {
  const line = readCommandLine(process.argv.slice(2), process.env, Date.now());
  if (line === null) {
    process.stdout.write(USAGE);
    return;
  }
  const interrupt = new AbortController();
  const stop = (): void => interrupt.abort();
  process.once('SIGINT', stop).once('SIGTERM', stop);
  const truth = await simulate({
    ...line.simulate,
    onProgress: progressPrinter(process.stderr),
    signal: interrupt.signal,
  });
  if (interrupt.signal.aborted) process.stderr.write('\nstopped; the truth is of what was sent\n');
  const { topic, seed, events, baseTimeMs } = line.simulate;
  const run = { topic, seed, events, base_time: new Date(baseTimeMs).toISOString() };
  process.stdout.write(
    line.json ? `${JSON.stringify({ ...run, ...truth })}\n` : report({ ...run, ...truth }),
  );
  if (truth.acked !== line.simulate.events) process.exitCode = EXIT_INCOMPLETE;
}

function report(result: Truth & Readonly<Record<string, unknown>>): string {
  return Object.entries(result)
    .map(
      ([name, value]) => `${name.padEnd(16)} ${typeof value === 'object' ? pairs(value) : value}\n`,
    )
    .join('');
}

function pairs(value: object | null): string {
  return Object.entries(value ?? {})
    .map(([name, count]) => `${name}=${count}`)
    .join(' ');
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = error instanceof UsageError || error instanceof RangeError ? EXIT_USAGE : 1;
}
