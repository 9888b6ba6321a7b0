import { type Kind, KINDS } from '@adtally/breaking-run';
import type { Broken, Fault, Stage } from '../fault.ts';
import { repaired } from '../repaired.ts';

type Terms = Pick<Fault, 'takes' | 'seconds' | 'stopsFlow' | 'needsFlow' | 'most'>;

const SERVER = ['postgres', 'postgres-way'] as const;
const CONSUMERS = ['consumer-1', 'consumer-2', 'consumer-3', 'group'] as const;

/** Those kinds of the breaking run after which everything goes on by itself and nothing is lost. */
const TERMS: Readonly<Record<string, Terms>> = {
  'broker-killed': { takes: ['brokers'], seconds: [8, 25] },
  'broker-frozen': { takes: ['brokers'], seconds: [8, 25] },
  'broker-cut-off': { takes: ['brokers'], seconds: [6, 20] },
  'broker-unanswering': { takes: ['brokers'], seconds: [6, 20] },
  'controller-killed': { takes: ['brokers'], seconds: [8, 20] },
  'leaders-moved': { takes: ['brokers'], seconds: [5, 15] },
  'kafka-away': { takes: ['brokers'], seconds: [5, 20], stopsFlow: true },
  'two-brokers-dead': { takes: ['brokers'], seconds: [5, 20], stopsFlow: true },
  'group-right-gone': { takes: ['brokers'], seconds: [4, 15], stopsFlow: true },
  'topic-right-gone': { takes: ['brokers'], seconds: [4, 15], stopsFlow: true },
  'dlq-right-gone': { takes: ['brokers'], seconds: [4, 15], stopsFlow: true },
  throttled: { takes: ['brokers'], seconds: [5, 15], stopsFlow: true },
  'postgres-stopped': { takes: SERVER, seconds: [4, 20], stopsFlow: true },
  'postgres-frozen': { takes: SERVER, seconds: [4, 20], stopsFlow: true },
  'postgres-cut-off': { takes: ['postgres-way'], seconds: [4, 15], stopsFlow: true },
  'postgres-unanswering': { takes: ['postgres-way'], seconds: [4, 15], stopsFlow: true },
  'postgres-read-only': { takes: SERVER, seconds: [4, 15], stopsFlow: true },
  'postgres-disk-full': { takes: ['postgres'], seconds: [4, 15], stopsFlow: true },
  'postgres-connections-exhausted': { takes: ['postgres'], seconds: [4, 15], stopsFlow: true },
  'cursor-row-locked': { takes: ['postgres'], seconds: [4, 10], needsFlow: true },
  'redis-stopped': { takes: ['redis'], seconds: [3, 15] },
  'redis-frozen': { takes: ['redis'], seconds: [3, 15] },
  'redis-password': { takes: ['redis'], seconds: [3, 15] },
  'redis-flushed': { takes: ['redis'], seconds: [1, 5] },
  'redis-falsified': { takes: ['redis'], seconds: [3, 15] },
  'consumers-frozen': { takes: CONSUMERS, seconds: [5, 20], stopsFlow: true },
  'ingest-consumer-dead': { takes: CONSUMERS, seconds: [3, 10], stopsFlow: true },
  'sink-down': { takes: ['sink', 'brokers'], seconds: [5, 15] },
};

function faultOf(kind: Kind, terms: Terms): Fault {
  const { name, what, needs } = kind;
  const start = async ({ world }: Stage): Promise<Broken> => {
    await kind.prepare?.(world);
    try {
      await kind.break(world);
    } catch (error) {
      // It may be broken in part.
      await repaired(() => kind.heal(world));
      throw error;
    }
    return { evidence: () => kind.evidence(world), heal: () => kind.heal(world) };
  };
  return { name, what, ...terms, env: needs?.env ?? {}, start };
}

export const FAULTS_OF_KINDS: readonly Fault[] = Object.entries(TERMS).map(([name, terms]) => {
  const kind = KINDS.find((one) => one.name === name);
  if (kind === undefined) throw new Error(`the breaking run has no kind ${name}`);
  return faultOf(kind, terms);
});
