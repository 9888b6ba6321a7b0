// An impression with its click and its conversion, and whatever can be wrong with one.

const BORN_MS = Date.UTC(2026, 2, 1, 12);
const WRONG_VERSION_LETTERS = 40;
const LETTERS_OF_A_CAUSE = 2;
const MAY_BE_MISSING = [
  'campaign_id',
  'creative_id',
  'placement_id',
  'price_micros',
  'currency',
  'occurred_at',
] as const;

function impressionId(n: number): string {
  const time = BORN_MS.toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${n.toString(16).padStart(12, '0')}`;
}

function event(n: number, type: string, rest: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({
    schema_version: 1,
    event_type: type,
    impression_id: impressionId(n),
    occurred_at: '2026-03-01T12:00:01Z',
    campaign_id: 'c-7',
    creative_id: 'cr-19',
    placement_id: 'home-top',
    currency: 'EUR',
    source: 'edge-3',
    ...rest,
  });
}

const CLICK = impressionId(1_000);

export function goodEvents(): string[] {
  return [
    event(1, 'impression', { price_micros: 1_500_000 }),
    event(1, 'click', { click_id: CLICK, price_micros: 250_000 }),
    event(1, 'conversion', {
      click_id: CLICK,
      conversion_id: 'order-20991',
      value_micros: 49_990_000,
    }),
  ];
}

/** The click again, at another price. */
export function lateConflict(): string {
  return event(1, 'click', { click_id: CLICK, price_micros: 260_000 });
}

/** Two records of each of a dozen causes, and more of a version nobody reads yet. */
export function wrongEvents(): string[] {
  let n = 1;
  const wrong = (rest: Readonly<Record<string, unknown>>) =>
    event((n += 1), 'impression', { price_micros: 1, ...rest });
  const causes = MAY_BE_MISSING.flatMap((field) => [{ [field]: undefined }, { [field]: [] }]);
  return [
    ...causes.flatMap((cause) => Array.from({ length: LETTERS_OF_A_CAUSE }, () => wrong(cause))),
    ...Array.from({ length: WRONG_VERSION_LETTERS }, () => wrong({ schema_version: 9 })),
  ];
}
