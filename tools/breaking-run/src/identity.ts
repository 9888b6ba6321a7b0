/** What one event is, in words of our own: not by the product's key. */
export interface Identified {
  readonly type: string;
  readonly impressionId: string;
  readonly clickId: string | null;
  readonly conversionId: string | null;
}

export function identityOf({ type, impressionId, clickId, conversionId }: Identified): string {
  const own = { click: clickId, conversion: conversionId }[type] ?? '';
  return `${type} ${impressionId.toLowerCase()} ${own}`;
}
