import type { World } from '@adtally/breaking-run';
import { type Fault, NODES } from '../fault.ts';
import { halfOpenWay, slowWay } from './ways.ts';

const WAY = {
  takes: ['brokers'],
  targets: NODES,
  proxy: ({ servers }: World, node: string) => servers.kafka.proxy(Number(node)),
} as const;
const LATE_MAX_MS = 500;

export const BROKER_FAULTS: readonly Fault[] = [
  slowWay(
    {
      ...WAY,
      name: 'broker-slow',
      what: 'whatever goes to one broker and comes from it is 50 to 500 ms late',
      seconds: [8, 25],
    },
    LATE_MAX_MS,
  ),
  halfOpenWay({
    ...WAY,
    name: 'broker-half-open',
    what: 'what one broker sends is dropped on connections that stay open',
    seconds: [6, 20],
  }),
];
