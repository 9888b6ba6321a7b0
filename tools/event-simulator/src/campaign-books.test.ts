import { expect, it } from 'vitest';
import { CampaignBooks } from './campaign-books.ts';
import type { PlannedTruth } from './planned-record.ts';

const RULES = { windowMs: 1_000, toleranceMs: 10 };
let identities = 0;

type Type = 'impression' | 'click' | 'conversion';

function planned(type: Type, atMs: number, impressionId = 'i', campaign = 'c'): PlannedTruth {
  identities += 1;
  const text = (id: string) => ({ text: id, json: `"${id}"` });
  return {
    kind: 'event',
    identity: identities,
    version: 0,
    misrouted: false,
    unknownFields: 0,
    late: false,
    event: {
      type,
      impressionId,
      bornMs: 0,
      clickId: null,
      conversionId: null,
      occurredAtMicros: atMs * 1_000,
      amount: '9007199254740993',
      currency: 'EUR',
      campaign: text(campaign),
      creative: text('cr'),
      placement: text('p'),
    },
  };
}

function totalsOf(...records: readonly PlannedTruth[]) {
  const books = new CampaignBooks();
  for (const record of records) books.enter(record, 'acked');
  return books.totals(RULES);
}

it('a conversion is earned by the last click within the window, else by the impression', () => {
  const [total] = totalsOf(
    planned('conversion', 900),
    planned('conversion', 2_000),
    planned('click', 100),
    planned('impression', 0),
  );
  expect(total).toMatchObject({
    impressions: 1,
    clicks: 1,
    click_conversions: 1,
    view_conversions: 1,
    spend_micros: 2n * 9_007_199_254_740_993n,
    value_micros: 2n * 9_007_199_254_740_993n,
  });
});

it('clicks and conversions without an impression are apart, those before it in no total', () => {
  expect(totalsOf(planned('click', 0), planned('conversion', 1))).toMatchObject([
    { clicks: 0, unmatched_clicks: 1, unmatched_conversions: 1, spend_micros: 0n },
  ]);
  expect(totalsOf(planned('click', -11), planned('impression', 0))).toMatchObject([
    { impressions: 1, clicks: 0, unmatched_clicks: 0 },
  ]);
});

it('copies count once, and nothing that was not acknowledged', () => {
  const books = new CampaignBooks();
  const one = planned('impression', 0);
  books.enter(one, 'acked');
  books.enter(one, 'acked');
  books.enter(planned('impression', 0, 'other'), 'failed');
  expect(books.totals(RULES)).toMatchObject([{ campaign_id: 'c', impressions: 1 }]);
});
