import { grant, produceRecords } from '@adtally/testkit';
import { APP_ROLE } from '../database-server.ts';
import type { Kind } from '../kind.ts';
import type { ServiceName } from '../services.ts';

/** Every process of one service killed and not started again until the end. */
function dead(service: ServiceName, named: RegExp): Kind {
  return {
    name: `${service}-dead`,
    family: 'services',
    what: `every ${service} killed`,
    expects: 'heals',
    named,
    break: async ({ fleet }) => {
      await Promise.all(fleet.of(service).map((one) => one.kill()));
    },
    evidence: async ({ fleet }) =>
      fleet.of(service).every((one) => !one.isRunning) ? 'no process of it' : undefined,
    heal: async ({ fleet }) => {
      for (const one of fleet.of(service)) one.start();
    },
  };
}

const NOT_GRANTED = /not_granted|no (?:living )?(?:member|process|consumer)/i;

const oneFrozen: Kind = {
  name: 'consumer-frozen',
  family: 'services',
  what: 'one of two consumers frozen',
  expects: 'heals',
  named: /consumer-1 does not answer|took over|fenced|not_granted/i,
  break: async ({ fleet }) => fleet.one('consumer-1').freeze(),
  evidence: async ({ fleet }) => (fleet.one('consumer-1').isFrozen ? 'its state is T' : undefined),
  heal: async ({ fleet }) => fleet.one('consumer-1').thaw(),
};

const allFrozen: Kind = {
  name: 'consumers-frozen',
  family: 'services',
  what: 'every consumer frozen',
  expects: 'heals',
  named: NOT_GRANTED,
  break: async ({ fleet }) => {
    for (const one of fleet.of('ingest-consumer')) one.freeze();
  },
  evidence: async ({ fleet }) =>
    fleet.of('ingest-consumer').every((one) => one.isFrozen) ? 'their state is T' : undefined,
  heal: async ({ fleet }) => {
    for (const one of fleet.of('ingest-consumer')) one.thaw();
  },
};

const OTHER = 'consumer-of-another-group';

const twoGroups: Kind = {
  name: 'two-groups',
  family: 'services',
  what: 'a consumer of another group counts the same topic into the same database',
  expects: 'heals',
  named: /two_groups|two (?:consumer )?groups/i,
  break: async ({ servers, fleet, names }) => {
    const group = `${names.group}-2`;
    await grant(servers.kafka, APP_ROLE, { group }, 'ALL');
    fleet.add(OTHER, 'ingest-consumer', { CONSUMER_GROUP: group });
  },
  evidence: async ({ fleet }) => {
    const entries = fleet.one(OTHER).process.entries;
    return entries.some(({ msg }) => msg === 'running') ? 'it runs' : undefined;
  },
  heal: async ({ fleet }) => {
    if (fleet.of('ingest-consumer').length > 2) await fleet.remove(OTHER);
  },
};

/** More than 5 a minute raise an incident; the load alone has too few. */
const HOPELESS = 12;

const sinkDown: Kind = {
  name: 'sink-down',
  family: 'services',
  what: 'the receiver of alerts is away while there is something to tell',
  expects: 'heals',
  named: /sink|webhook[^}]{0,200}(?:ECONNREFUSED|refused)|ECONNREFUSED/i,
  shownBy: 'adtally_outbox_oldest_waiting_seconds',
  // More than 5 hopeless records a minute raise an incident, and there is something to tell of it every second.
  needs: { env: { MAX_ATTEMPTS: '1', RETRY_INTERVAL_MS: '500ms', INCIDENT_UPDATE_MS: '1s' } },
  break: async ({ servers, names, load }) => {
    servers.sink.close();
    const bad = { partition: 0, key: null, value: Buffer.from('no event') };
    const hopeless = Array.from({ length: HOPELESS }, () => bad);
    await produceRecords(names.events, hopeless, servers.kafka.internalBrokers);
    load.enter({ acked: HOPELESS, deadLettered: HOPELESS });
  },
  evidence: async ({ servers }) =>
    await fetch(servers.sink.url).then(
      () => undefined,
      () => 'nothing listens there',
    ),
  heal: ({ servers }) => servers.sink.open(),
};

export const SERVICES: readonly Kind[] = [
  dead('ingest-consumer', NOT_GRANTED),
  dead('dlq-reprocessor', NOT_GRANTED),
  dead('dead-queue-alerter', /alerter does not answer/),
  dead('backfill-runner', /backfill does not answer/),
  oneFrozen,
  allFrozen,
  twoGroups,
  sinkDown,
];
