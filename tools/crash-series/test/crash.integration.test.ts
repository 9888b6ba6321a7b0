import { hasKafkaServer, hasPostgresServer, hasRedisServer } from '@adtally/testkit';
import { expect, test } from 'vitest';
import {
  appsOf,
  crashBuild,
  crashSeries,
  recordPassages,
  sample,
  STAGES,
  wronglyNamed,
  type SeriesResult,
  type Signal,
  type Target,
} from '../src/index.ts';
import { protocolPlaces, type Protocol } from '../src/protocol.ts';
import { REPOSITORY } from '../src/crash-build.ts';
import { keyOf } from '../src/target.ts';

const hasServers = hasKafkaServer() && hasPostgresServer() && hasRedisServer();
const LIMIT_MS = 900_000;
const JOBS = 2;
/** It was seen stopped, an heir claimed its work or its sessions were ended, and it went on to an end of its own. */
const STOOD =
  /^said so, stood still until an heir had done the work \((?:claims from \d+ to \d+|sessions ended: \d+)\), went on and ended with code \d+/;
/** Beside the crucial ones, so many places and sides of each protocol, other ones as the sources change. */
const SAMPLE = 3;
const SEED = '1';

interface Crucial {
  /** Where something lies with one server and not yet with the other, or a transaction stands open with all its work. */
  readonly places: readonly string[];
  /** Shows in what is said of a zombie that was overtaken there. */
  readonly overtaken: RegExp;
}

const CRUCIAL: Readonly<Record<Protocol, Crucial>> = {
  commit: {
    places: [
      'before db/write-batch writeBatch > session.query',
      'after db/write-batch writeBatch > session.query',
      'after pipeline/dead-letters DeadLetterSender.secure > producer.produceAll',
    ],
    overtaken: /our claim has ended/,
  },
  reprocessor: {
    places: [
      'after letters/life/settle-tries settleTries > session.query',
      'before dlq-reprocessor/undertaker Undertaker.bury > send',
      'after dlq-reprocessor/undertaker Undertaker.bury > send',
    ],
    overtaken: /our claim has ended|claimed elsewhere/,
  },
  alerter: {
    places: [
      'after dead-queue-alerter/dead-topic/dead-topic-loop DeadTopicLoop.store > insertArrivals',
      'after dead-queue-alerter/notify/post-json postJson > fetch',
    ],
    overtaken: /not active any more|waiting for PostgreSQL/,
  },
  backfill: {
    places: [
      'after analytics/take-base takeNextBase > sumUp',
      "after analytics/apply-late applyLate > trx.deleteFrom('late_notes')",
    ],
    // A job whose session ended within a transaction tries again, and finds the base taken.
    overtaken: /waiting for PostgreSQL|does not answer|sessions ended: [1-9]/,
  },
  replay: {
    places: ['after backfill-runner/replay/runs/advance-replay advanceReplay > session.query'],
    overtaken: /another worker has taken it over/,
  },
  retention: {
    places: [
      'before archive/keep-day DayKeeping.keep > writeManifest',
      'after db/retention/drop-days Retention.retire > archive',
    ],
    overtaken: /does not answer/,
  },
};
const PROTOCOLS = Object.keys(CRUCIAL) as Protocol[];

/** The crucial ones, and a sample of each protocol. */
function chosenOf(reachable: readonly Target[]): readonly Target[] {
  return PROTOCOLS.flatMap((protocol) => {
    const names = new Set(protocolPlaces(REPOSITORY, protocol).map(({ name }) => name));
    const own = reachable.filter(({ name }) => names.has(name));
    const isCrucial = (target: Target) => CRUCIAL[protocol].places.includes(keyOf(target));
    const others = own.filter((target) => !isCrucial(target));
    return [...own.filter(isCrucial), ...sample(others, SAMPLE, SEED)];
  });
}

/** By place and side, what its own process said, or the one that went for it in the same moment. */
function evidenceIn(results: readonly SeriesResult[]): Map<string, string> {
  const said = new Map(results.map((result) => [keyOf(result), result.evidence]));
  return new Map(
    [...said].map(([key, evidence]) => [
      key,
      said.get(evidence.replace(/^in one moment with /, '')) ?? evidence,
    ]),
  );
}

test.runIf(hasServers)(
  'I8: processes killed or frozen within every protocol change no total, and zombies are fenced',
  { timeout: LIMIT_MS },
  async () => {
    const build = await crashBuild(appsOf(STAGES));
    try {
      const passages = await recordPassages(build, STAGES, JOBS);
      expect(wronglyNamed(passages)).toEqual([]);
      const went = async (signal: Signal) => {
        const chosen: Target[] = [];
        const results = await crashSeries(build, passages, {
          signal,
          jobs: JOBS,
          choose: (reachable) => {
            chosen.push(...chosenOf(reachable));
            return chosen;
          },
          say: (line) => process.stdout.write(`${line}\n`),
          onResult: () => undefined,
        });
        expect(results.filter(({ problems }) => problems.length > 0)).toEqual([]);
        expect(results.map(keyOf).toSorted()).toEqual(chosen.map(keyOf).toSorted());
        const crucial = PROTOCOLS.flatMap((protocol) => CRUCIAL[protocol].places);
        expect(results.map(keyOf)).toEqual(expect.arrayContaining(crucial));
        return evidenceIn(results);
      };
      const killed = await went('SIGKILL');
      expect([...new Set(killed.values())]).toEqual(['said so, ended by SIGKILL']);
      const frozen = await went('SIGSTOP');
      process.stdout.write([...frozen].map((entry) => `${entry.join(': ')}\n`).join(''));
      expect([...frozen].filter(([, evidence]) => !STOOD.test(evidence))).toEqual([]);
      const unfenced = Object.values(CRUCIAL).flatMap(({ places, overtaken }) =>
        places
          .map((place) => [place, frozen.get(place) ?? ''] as const)
          .filter(([, evidence]) => !overtaken.test(evidence)),
      );
      expect(unfenced).toEqual([]);
    } finally {
      build.close();
    }
  },
);
