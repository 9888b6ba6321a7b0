import {
  admitRedrives,
  confirmLetters,
  exhaustLetters,
  isRedriveDue,
  type AttemptLimits,
} from '@adtally/letters';
import { unlessStopped } from '@adtally/pacing';
import { Chore, type ChoreParts } from './chore.ts';
import type { LaneClaims } from './lane-claims.ts';
import type { Lanes } from './lanes.ts';
import type { RetryLoop } from './retry-loop.ts';
import type { Undertaker } from './undertaker.ts';

export interface LetterChoresParts extends ChoreParts {
  readonly lanes: Lanes;
  readonly claims: LaneClaims;
  readonly retries: RetryLoop;
  readonly undertaker: Undertaker;
}

export interface LetterChoresOptions {
  readonly eventsTopic: string;
  readonly limits: AttemptLimits;
}

const CLAIM_EVERY_MS = 100;
const DECIDE_EVERY_MS = 1_000;
const BURY_EVERY_MS = 1_000;
/** Limits change with a deployment, which claims the lanes, or with the code a letter failed with last. */
const EXHAUST_EVERY_MS = 30_000;

/**
 * What the holder of DLQ partitions does beside copying and retrying: prepares the claims of lanes, decides
 * copies that came before their reference, lets in what people asked to have redriven, and buries.
 */
export function letterChores(parts: LetterChoresParts, options: LetterChoresOptions): Chore[] {
  const { link, lanes, claims, retries, undertaker, log } = parts;
  const { eventsTopic, limits } = options;

  async function decide(signal: AbortSignal): Promise<void> {
    if (lanes.held.length === 0) return;
    const session = await link.session(signal);
    const { confirmed, orphans } = await confirmLetters(session);
    if (confirmed + orphans > 0) log.info({ confirmed, orphans }, 'copies decided');
    await admitRedrives(session);
    // What a person asked for does not wait for the next sweep, whichever process let it in.
    if (await isRedriveDue(session, lanes.held)) retries.hurry();
  }

  let exhausted = { epochs: '', atMs: 0 };

  async function exhaust(signal: AbortSignal): Promise<void> {
    const { held } = lanes;
    const epochs = held.map(({ epoch }) => epoch).join();
    const nowMs = performance.now();
    if (epochs === exhausted.epochs && nowMs < exhausted.atMs + EXHAUST_EVERY_MS) return;
    await exhaustLetters(await link.session(signal), eventsTopic, held, limits);
    exhausted = { epochs, atMs: nowMs };
  }

  async function bury(signal: AbortSignal): Promise<void> {
    if (lanes.held.length === 0) return;
    await exhaust(signal);
    while (!signal.aborted && (await undertaker.bury(lanes.held, signal)) > 0);
  }

  return [
    new Chore(parts, {
      name: 'claim_lanes',
      everyMs: CLAIM_EVERY_MS,
      // Brokers may be silent, and whoever is stopping claims nothing any more.
      run: (signal) => unlessStopped(claims.prepare(), signal, 'preparing the claims of lanes'),
    }),
    new Chore(parts, { name: 'decide', everyMs: DECIDE_EVERY_MS, run: decide }),
    new Chore(parts, { name: 'bury', everyMs: BURY_EVERY_MS, run: bury }),
  ];
}
