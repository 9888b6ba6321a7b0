import { setTimeout as sleep } from 'node:timers/promises';
import { waitFor } from '@adtally/testkit';
import { type Fault, SERVICE_LABELS } from '../fault.ts';

const killed: Fault = {
  name: 'service-killed',
  what: 'one process killed, and started again at the end',
  takes: [],
  targets: SERVICE_LABELS,
  seconds: [2, 12],
  start: async ({ world: { fleet } }, target) => {
    const service = fleet.one(target);
    const { killedBy } = await (service.kill(), service.process.ended);
    return {
      evidence: async () => (killedBy === null ? undefined : `ended by ${killedBy}`),
      heal: async () => service.start(),
    };
  },
};

const drained: Fault = {
  name: 'service-drained',
  what: 'one process asked to end (SIGTERM), and started again at the end, as a deployment does',
  takes: [],
  targets: SERVICE_LABELS,
  seconds: [2, 8],
  start: async ({ world: { fleet } }, target) => {
    const service = fleet.one(target);
    const { code } = await service.drain();
    return {
      // 1: what it had in hand could not be written, since something else is broken; it says so.
      evidence: async () => (code === 0 || code === 1 ? `ended with exit code ${code}` : undefined),
      heal: async () => service.start(),
    };
  },
};

/** Longer than a member may be silent here, so that others take over and it comes back as a zombie. */
const frozen: Fault = {
  name: 'service-frozen',
  what: 'one process frozen; consumers for longer than the group waits for a member, and then a zombie',
  takes: [],
  targets: SERVICE_LABELS,
  seconds: [12, 25],
  start: async ({ world: { fleet } }, target) => {
    const service = fleet.one(target);
    service.freeze();
    return {
      evidence: async () => (service.isFrozen ? 'its state is T' : undefined),
      heal: async () => service.thaw(),
    };
  },
};

const HOUR_MS = 3_600_000;
const JUMPS_MS = [HOUR_MS, -HOUR_MS, 24 * HOUR_MS, -24 * HOUR_MS];

const clock: Fault = {
  name: 'clock-jumped',
  what: 'the clock of one process an hour or a day ahead or behind, and right again at the end',
  takes: [],
  targets: SERVICE_LABELS,
  seconds: [5, 20],
  start: async ({ world: { fleet }, rng }, target) => {
    const service = fleet.one(target);
    const jumpMs = rng.pick(JUMPS_MS);
    service.setClock(jumpMs);
    return {
      evidence: async () => {
        const said = service.process.entries.findLast(({ msg }) => msg === 'clock set');
        const aheadMs = Number(said?.['nowMs'] ?? Number.NaN) - Date.now();
        // Of the same moment but for the time in which it was heard.
        const isSo = Math.abs(aheadMs - jumpMs) < HOUR_MS / 2;
        return isSo ? `it says ${new Date(Number(said?.['nowMs'])).toISOString()}` : undefined;
      },
      heal: async () => service.setClock(0),
    };
  },
};

const EXTRA = 'consumer-extra';
const STAY_MS = 2_000;
/** On a busy machine a process takes long until it is a member. */
const CLAIM_LIMIT_MS = 120_000;

const churn: Fault = {
  name: 'group-churned',
  what: 'one more consumer that joins the group and leaves it, killed or drained, again and again',
  takes: ['group'],
  needsFlow: true,
  seconds: [10, 30],
  start: async ({ world: { fleet }, rng }) => {
    const over = new AbortController();
    let claims = 0;
    const churning = (async () => {
      while (!over.signal.aborted) {
        const extra = fleet.add(EXTRA, 'ingest-consumer', {});
        const claimed = () =>
          extra.process.entries.filter(({ msg }) => msg === 'partition claimed');
        const limit = { what: 'a claim', timeoutMs: CLAIM_LIMIT_MS };
        // Where Kafka or PostgreSQL is away it may find nothing to claim; it comes again.
        await waitFor(() => claimed().length > 0 || over.signal.aborted, limit).catch(() => false);
        claims += claimed().length;
        await sleep(STAY_MS);
        if (rng.chance(0.5)) await extra.drain();
        await fleet.remove(EXTRA);
      }
    })();
    return {
      evidence: async () => (claims > 0 ? `it claimed ${claims} partitions by now` : undefined),
      heal: async () => {
        over.abort();
        await churning;
      },
    };
  },
};

export const SERVICE_FAULTS: readonly Fault[] = [killed, drained, frozen, clock, churn];
