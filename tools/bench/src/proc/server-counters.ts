import type { Servers } from '../servers.ts';
import { walPosition } from '../servers.ts';

/** What the servers have counted so far, of everybody. */
export interface ServerCounters {
  readonly walBytes: bigint;
  readonly redisCommands: number;
  readonly redisBytes: number;
}

export async function readCounters({ postgres, redis }: Servers): Promise<ServerCounters> {
  const info = `${await redis.info('stats')}\n${await redis.info('memory')}`;
  const number = (name: string): number =>
    Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? Number.NaN);
  return {
    walBytes: await walPosition(postgres),
    redisCommands: number('total_commands_processed'),
    redisBytes: number('used_memory'),
  };
}
