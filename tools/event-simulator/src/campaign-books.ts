import type { PlannedType } from './event.ts';
import type { Outcome } from './truth.ts';
import type { PlannedTruth } from './planned-record.ts';

/** What a campaign comes to in one currency, by the simulator's own books; money in micros. */
export interface CampaignTotals {
  readonly campaign_id: string;
  readonly currency: string;
  impressions: number;
  clicks: number;
  /** Earned by a click within the window. */
  click_conversions: number;
  /** Earned by the impression alone. */
  view_conversions: number;
  /** Without an impression. */
  unmatched_clicks: number;
  unmatched_conversions: number;
  spend_micros: bigint;
  value_micros: bigint;
}

/** How conversions are attributed: windows in milliseconds. */
export interface AttributionRules {
  readonly windowMs: number;
  readonly toleranceMs: number;
}

interface Kept {
  readonly type: PlannedType;
  readonly atMicros: number;
  readonly amount: bigint;
  readonly currency: string;
  readonly campaign: string;
}

/**
 * Keeps every unique event by impression, to tell what each campaign must come to. Told of every record in
 * the order of producing, like the other books; needs memory for every event.
 */
export class CampaignBooks {
  readonly #seen = new Set<number>();
  readonly #byImpression = new Map<string, Kept[]>();

  enter(truth: PlannedTruth, outcome: Outcome): void {
    if (outcome !== 'acked' || truth.kind !== 'event' || this.#seen.has(truth.identity)) return;
    this.#seen.add(truth.identity);
    const { event } = truth;
    const kept = this.#byImpression.get(event.impressionId) ?? [];
    kept.push({
      type: event.type,
      atMicros: event.occurredAtMicros,
      amount: BigInt(event.amount),
      currency: event.currency,
      campaign: event.campaign.text,
    });
    this.#byImpression.set(event.impressionId, kept);
  }

  /** By campaign and currency, sorted. */
  totals(rules: AttributionRules): CampaignTotals[] {
    const totals = new Map<string, CampaignTotals>();
    for (const events of this.#byImpression.values()) attribute(events, rules, totals);
    return [...totals].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one);
  }
}

function attribute(
  events: readonly Kept[],
  { windowMs, toleranceMs }: AttributionRules,
  totals: Map<string, CampaignTotals>,
): void {
  const impression = events.find(({ type }) => type === 'impression');
  const isValid = (one: Kept): boolean =>
    impression !== undefined && one.atMicros >= impression.atMicros - toleranceMs * 1000;
  const clicks = events.filter((one) => one.type === 'click' && isValid(one));
  for (const one of events) {
    const own = totalsOf(totals, one.campaign, one.currency);
    switch (one.type) {
      case 'impression':
        own.impressions += 1;
        own.spend_micros += one.amount;
        break;
      case 'click':
        if (impression === undefined) own.unmatched_clicks += 1;
        if (!isValid(one)) break;
        own.clicks += 1;
        own.spend_micros += one.amount;
        break;
      case 'conversion': {
        if (impression === undefined) own.unmatched_conversions += 1;
        if (impression === undefined || !isValid(one)) break;
        const earning = lastBefore(one, clicks);
        const isEarned = earning !== null && one.atMicros - earning.atMicros <= windowMs * 1000;
        const credited = totalsOf(totals, (isEarned ? earning : impression).campaign, one.currency);
        if (isEarned) credited.click_conversions += 1;
        else credited.view_conversions += 1;
        credited.value_micros += one.amount;
        break;
      }
      default:
        one.type satisfies never;
    }
  }
}

function lastBefore({ atMicros }: Kept, clicks: readonly Kept[]): Kept | null {
  return clicks
    .filter((click) => click.atMicros <= atMicros)
    .reduce<Kept | null>(
      (last, click) => (last === null || click.atMicros >= last.atMicros ? click : last),
      null,
    );
}

function totalsOf(
  totals: Map<string, CampaignTotals>,
  campaign: string,
  currency: string,
): CampaignTotals {
  const key = JSON.stringify([campaign, currency]);
  const known = totals.get(key);
  if (known !== undefined) return known;
  const fresh: CampaignTotals = {
    campaign_id: campaign,
    currency,
    impressions: 0,
    clicks: 0,
    click_conversions: 0,
    view_conversions: 0,
    unmatched_clicks: 0,
    unmatched_conversions: 0,
    spend_micros: 0n,
    value_micros: 0n,
  };
  totals.set(key, fresh);
  return fresh;
}
