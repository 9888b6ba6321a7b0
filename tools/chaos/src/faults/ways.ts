import type { World } from '@adtally/breaking-run';
import type { TcpProxy } from '@adtally/testkit';
import type { Fault } from '../fault.ts';

/** Where a proxy stands on the services' way to a server, and what a fault of it is called. */
interface Way extends Pick<Fault, 'name' | 'what' | 'takes' | 'targets' | 'seconds'> {
  proxy(world: World, target: string): TcpProxy;
}

const LATE_MIN_MS = 50;

/** Every chunk is late in both directions: by `LATE_MIN_MS` at least and so much at most. */
export function slowWay({ proxy: proxyOf, ...way }: Way, lateMaxMs: number): Fault {
  return {
    ...way,
    start: async ({ world, rng }, target) => {
      const proxy = proxyOf(world, target);
      const before = proxy.delayed;
      const lateMs = LATE_MIN_MS + rng.below(lateMaxMs - LATE_MIN_MS);
      proxy.delay(lateMs);
      return {
        evidence: async () => {
          const late = proxy.delayed - before;
          return late > 0 ? `${late} chunks were ${lateMs} ms late by now` : undefined;
        },
        heal: async () => proxy.delay(0),
      };
    },
  };
}

/** What the server sends is dropped, on connections that both sides believe in. */
export function halfOpenWay({ proxy: proxyOf, ...way }: Way): Fault {
  return {
    ...way,
    stopsFlow: true,
    start: async ({ world }, target) => {
      const proxy = proxyOf(world, target);
      const before = proxy.dropped;
      proxy.onServerData(() => 'drop');
      return {
        evidence: async () => {
          const dropped = proxy.dropped - before;
          return dropped > 0 ? `${dropped} chunks dropped by now` : undefined;
        },
        heal: async () => {
          proxy.onServerData(undefined);
          // A stream with a hole in it is no stream: such a connection ends by a reset.
          proxy.cutAll();
        },
      };
    },
  };
}
