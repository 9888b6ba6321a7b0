import type { HeldSource } from '@adtally/db';
import type { DecodeLimits } from '@adtally/event-schema';
import {
  BatchCommitter,
  BatchTracing,
  CursorWatch,
  HoldUps,
  sessionCheck,
  WriterLink,
  type Beside,
  type HeldSources,
  type Loop,
  type WaitReason,
} from '@adtally/pipeline';
import type { AppParts, InHand } from '@adtally/service';
import type { ReprocessorConfig } from './env.ts';
import { LaneClaims } from './lane-claims.ts';
import { Lanes, type Lane } from './lanes.ts';
import { letterChores } from './letter-chores.ts';
import type { METRICS } from './metrics.ts';
import type { Resources } from './resources.ts';
import { Retrier } from './retrier.ts';
import { RetryLoop } from './retry-loop.ts';
import { TrySettler } from './try-settler.ts';
import { Undertaker } from './undertaker.ts';

type ReprocessorParts = AppParts<ReprocessorConfig, typeof METRICS>;

export interface LetterWorkOptions {
  readonly decode: DecodeLimits;
  /** Makes a connection for writing; `name` tells them apart. */
  readonly writerLink: (name: string, sources: HeldSources) => WriterLink;
  /** Fires when even the batch in hand may be given up. */
  readonly abandoned: AbortSignal;
}

/** What is done with letters once they are copied, as the service runs it. */
export interface LetterWork {
  readonly lanes: Lanes;
  readonly loops: readonly Loop[];
  readonly beside: readonly Beside[];
  /** Letters being tried. */
  inHand(): readonly InHand[];
  /** Cuts what may wait for a database that says nothing. */
  cut(): void;
  /** Lanes held and waited for, and what holds the work up: for a status endpoint. */
  status(): object;
}

/**
 * Wires retrying and the chores: each on a session of its own, so that neither waits for what the other, or the
 * copying of letters, waits for.
 */
export function letterWork(
  { version, config, metrics, tracer, log }: ReprocessorParts,
  { consumer, claimsAdmin, db, producer, dedup }: Resources,
  { decode, writerLink, abandoned }: LetterWorkOptions,
): LetterWork {
  const { owner, limits, topics } = config;
  const eventsTopic = topics.events.name;
  const dlqTopic = topics.dlq.name;
  const holdUps = new HoldUps();
  const held = (): Lane[] => lanes.held;
  const cursors = new CursorWatch<Lane>(
    // Under an epoch of the past no letter is leased, so no commit would find out.
    { db, claims: held, metrics, log, givesUpElsewhere: true },
    config.topicCheckMs,
  );
  const retriesLink = writerLink('retries', {
    held,
    compare: (found) => cursors.compare(found),
  });
  const lanes = new Lanes({ link: retriesLink, log });
  const claims = new LaneClaims(
    { admin: claimsAdmin, db, link: retriesLink, lanes, granted: () => consumer.granted, log },
    { dlqTopic, eventsTopic, owner },
  );
  const settler = new TrySettler({ firstMs: config.backoffFirstMs, lastMs: config.backoffLastMs });
  const committer = new BatchCommitter(
    { link: retriesLink, dedup, companion: settler, metrics, log, holdUps },
    { ...config, mayBlameAlone: true },
  );
  const tracing =
    tracer && new BatchTracing(tracer, { name: `retry ${eventsTopic}`, topic: eventsTopic });
  const retrier = new Retrier(
    { link: retriesLink, lanes, committer, settler, metrics, tracing, log },
    { eventsTopic, batchMax: config.retryBatchMax, limits, decode, appVersion: version },
  );
  const lost = (): Iterable<Lane> => cursors.take().keys();
  const retries = new RetryLoop(
    { link: retriesLink, lanes, claims, lost, retrier, committer, holdUps, log, abandoned },
    config,
  );
  const choresLink = writerLink('chores', { held: (): HeldSource[] => [] });
  const undertaker = new Undertaker(
    { link: choresLink, producer, metrics, log },
    { eventsTopic, deadTopic: topics.dead.name, appVersion: version },
  );
  const chores = letterChores(
    { link: choresLink, lanes, claims, retries, undertaker, holdUps, log },
    { eventsTopic, limits },
  );
  const links = [retriesLink, choresLink];
  return {
    lanes,
    loops: [retries, ...chores],
    beside: [
      // Stopped last: nobody opens another session any more.
      ...links.map((link) => ({ stop: () => link.close() })),
      ...links.map((link) => sessionCheck(link, log)),
      cursors,
    ],
    inHand: () =>
      retrier.lettersInHand === 0
        ? []
        : [{ what: `letters of ${dlqTopic} being tried`, rows: retrier.lettersInHand }],
    cut: () => {
      for (const link of links) link.cut();
    },
    status: () => ({
      lanes: held().map(({ lane, sourceId, epoch, committedOffset }) => ({
        lane,
        source_id: sourceId,
        epoch,
        tries: committedOffset,
      })),
      lanes_waiting: claims.waiting.map(({ lane, ...why }) => ({ lane, ...shown(why) })),
      letters_held_up: holdUps.all.map(({ what, ...why }) => ({ what, ...shown(why) })),
    }),
  };
}

function shown({ reason, sinceMs }: { reason: WaitReason | null; sinceMs: number }): object {
  return {
    reason: reason?.code ?? null,
    detail: reason?.detail ?? null,
    since: new Date(Date.now() - (performance.now() - sinceMs)).toISOString(),
  };
}
