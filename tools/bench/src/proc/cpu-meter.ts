import { processCpuSeconds, treeCpuSeconds } from './process-cpu.ts';
import type { ServerPids } from './server-pids.ts';

/** CPU seconds so far, by process; null where a process cannot be seen. */
export interface CpuReading {
  readonly consumer: number | null;
  readonly postgres: number | null;
  readonly redis: number | null;
  readonly kafka: number | null;
}

/** Microseconds of CPU an event; `total` only where every part is known. */
export interface CpuPerEvent extends CpuReading {
  readonly total: number | null;
}

/** Reads the CPU clocks of the consumers, all together, and of the servers. */
export function readCpu(servers: ServerPids, ...consumerPids: readonly number[]): CpuReading {
  const read = (pid: number | null, of: (pid: number) => number | null): number | null =>
    pid === null ? null : of(pid);
  return {
    consumer: summed(consumerPids.map(processCpuSeconds)),
    postgres: read(servers.postgres, treeCpuSeconds),
    redis: read(servers.redis, processCpuSeconds),
    kafka: read(servers.kafka, processCpuSeconds),
  };
}

/** What was used between two readings, in microseconds an event. */
export function cpuPerEvent(before: CpuReading, after: CpuReading, events: number): CpuPerEvent {
  const used = (name: keyof CpuReading): number | null => {
    const from = before[name];
    const to = after[name];
    return from === null || to === null ? null : ((to - from) * 1e6) / events;
  };
  const parts = {
    consumer: used('consumer'),
    postgres: used('postgres'),
    redis: used('redis'),
    kafka: used('kafka'),
  };
  const known = Object.values(parts).filter((part) => part !== null);
  const isWhole = known.length === Object.keys(parts).length;
  return { ...parts, total: isWhole ? known.reduce((sum, part) => sum + part, 0) : null };
}

function summed(parts: readonly (number | null)[]): number | null {
  return parts.reduce((sum, part) => (sum === null || part === null ? null : sum + part), 0);
}
