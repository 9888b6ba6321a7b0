import { ADVISORY_LOCKS, sourcePositions, type Database } from '@adtally/db';
import { KafkaAdmin, type KafkaSettings } from '@adtally/kafka';
import { giveUp, holdersOf, tryLead } from '../leader-lock.ts';

const { lagUnseen: UNSEEN, lagSeen: SEEN } = ADVISORY_LOCKS;

/**
 * Has a leader that no broker answers make way for a process that one does answer: what it can tell, that everything is
 * stuck, is true of itself alone. It says by a lock that it sees nothing; who stands by then looks for himself, and asks
 * for the lead by another lock. Where nobody sees, the leader stays, and says so.
 */
export class LeadBySight {
  readonly #kafka: KafkaSettings;
  readonly #requestTimeoutMs: number;
  /** Connected only while the leader sees nothing. */
  #admin: KafkaAdmin | null = null;
  #isUnseenSaid = false;
  /** The leader sees again, or has made way: the try that follows tells. */
  #isLastTry = false;

  constructor(kafka: KafkaSettings, requestTimeoutMs: number) {
    this.#kafka = kafka;
    this.#requestTimeoutMs = requestTimeoutMs;
  }

  /** Asked by one that stands by: false where the lead is another's to take. */
  async mayLead(session: Database): Promise<boolean> {
    const holders = await holdersOf(session, [UNSEEN, SEEN]);
    if (holders.get(SEEN) === 'another') return false;
    const asks = holders.get(SEEN) === 'us';
    if (holders.has(UNSEEN)) {
      this.#isLastTry = false;
      if (!asks && (await this.#sees(session))) await tryLead(session, SEEN);
      return true;
    }
    this.close();
    if (asks && this.#isLastTry) await giveUp(session, SEEN);
    this.#isLastTry = asks && !this.#isLastTry;
    return true;
  }

  /** The lead is ours: whoever stands by may ask for it again. */
  async begin(session: Database): Promise<void> {
    this.close();
    this.#isUnseenSaid = false;
    this.#isLastTry = false;
    if ((await holdersOf(session, [SEEN])).get(SEEN) === 'us') await giveUp(session, SEEN);
  }

  /** Asked by the leader at each look: true where it is to make way. */
  async makesWay(session: Database, isUnseen: boolean): Promise<boolean> {
    if (isUnseen !== this.#isUnseenSaid) {
      if (isUnseen) await tryLead(session, UNSEEN);
      else await giveUp(session, UNSEEN);
      this.#isUnseenSaid = isUnseen;
    }
    return isUnseen && (await holdersOf(session, [SEEN])).has(SEEN);
  }

  close(): void {
    this.#admin?.close();
    this.#admin = null;
  }

  async #sees(session: Database): Promise<boolean> {
    const [counted] = await sourcePositions(session);
    if (counted === undefined) return false;
    this.#admin ??= new KafkaAdmin(this.#kafka, { requestTimeoutMs: this.#requestTimeoutMs });
    try {
      await this.#admin.describeTopic(counted.topic);
      return true;
    } catch {
      return false;
    }
  }
}
