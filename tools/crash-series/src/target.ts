import { GATE_ENV, type Side } from './gate-env.ts';

/** Where a process is to be ended or stopped. */
export interface Target {
  readonly name: string;
  readonly side: Side;
}

/** `before pipeline/batch-committer BatchCommitter.commit > prepare` */
export function keyOf({ side, name }: Target): string {
  return `${side} ${name}`;
}

export function targetOf(key: string): Target {
  const space = key.indexOf(' ');
  return { side: key.slice(0, space) as Side, name: key.slice(space + 1) };
}

/** The environment of a process that is to go there. */
export function armed(
  { name, side }: Target,
  signal: 'SIGKILL' | 'SIGSTOP',
): Record<string, string> {
  return { [GATE_ENV.place]: name, [GATE_ENV.side]: side, [GATE_ENV.signal]: signal };
}
