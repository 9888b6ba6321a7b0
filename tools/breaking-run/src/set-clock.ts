// Loaded into a service before its own modules: its clock goes wrong by what a file says, as one does that an operator
// or NTP sets. The monotonic clock goes on, as in life.
import { existsSync, readFileSync } from 'node:fs';

const LOOK_MS = 100;
const file = process.env['SET_CLOCK_FILE'] ?? '';
const machineMs = Date.now.bind(Date);
let aheadMs = 0;

function look(): void {
  const wantedMs = existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0;
  if (wantedMs === aheadMs) return;
  aheadMs = wantedMs;
  process.stderr.write(
    `${JSON.stringify({ msg: 'clock set', level: 'info', nowMs: Date.now() })}\n`,
  );
}

Date.now = () => machineMs() + aheadMs;
globalThis.Date = new Proxy(Date, {
  construct: (date, args, newTarget): Date =>
    Reflect.construct(date, args.length === 0 ? [date.now()] : args, newTarget) as Date,
});
look();
setInterval(look, LOOK_MS).unref();
