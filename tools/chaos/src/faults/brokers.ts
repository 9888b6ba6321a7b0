import { type Fault, NODES } from '../fault.ts';

const slow: Fault = {
  name: 'broker-slow',
  what: 'whatever goes to one broker and comes from it is 50 to 500 ms late',
  takes: ['brokers'],
  targets: NODES,
  seconds: [8, 25],
  start: async ({ world: { servers }, rng }, node) => {
    const proxy = servers.kafka.proxy(Number(node));
    const before = proxy.delayed;
    const lateMs = 50 + rng.below(450);
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

const halfOpen: Fault = {
  name: 'broker-half-open',
  what: 'what one broker sends is dropped on connections that stay open',
  takes: ['brokers'],
  targets: NODES,
  stopsFlow: true,
  seconds: [6, 20],
  start: async ({ world: { servers } }, node) => {
    const proxy = servers.kafka.proxy(Number(node));
    const before = proxy.dropped;
    proxy.onServerData(() => 'drop');
    return {
      evidence: async () => {
        const dropped = proxy.dropped - before;
        return dropped > 0 ? `${dropped} chunks dropped by now` : undefined;
      },
      heal: async () => {
        proxy.onServerData(undefined);
        proxy.cutAll();
      },
    };
  },
};

export const BROKER_FAULTS: readonly Fault[] = [slow, halfOpen];
