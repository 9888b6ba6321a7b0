import type { Fault } from '../fault.ts';
import { BROKER_FAULTS } from './brokers.ts';
import { DATABASE_FAULTS } from './database.ts';
import { FAULTS_OF_KINDS } from './kinds.ts';
import { SERVICE_FAULTS } from './services.ts';
import { TOPIC_FAULTS } from './topics.ts';

/** Everything the nemesis can do. */
export const FAULTS: readonly Fault[] = [
  ...FAULTS_OF_KINDS,
  ...SERVICE_FAULTS,
  ...DATABASE_FAULTS,
  ...BROKER_FAULTS,
  ...TOPIC_FAULTS,
];
