const ELLIPSIS = '…';

/** Text of at most so many UTF-16 units; what is cut ends in an ellipsis, never amid a character. */
export function shorten(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text;
  return `${text.slice(0, maxLength - 1).replace(/[\ud800-\udbff]$/, '')}${ELLIPSIS}`;
}

/** As many lines as fit whole, and how many do not; the first is there in any case, cut if it must be. */
export function fitLines(lines: readonly string[], maxLength: number): string {
  const whole = lines.join('\n');
  if (whole.length <= maxLength) return whole;
  for (let shown = lines.length - 1; shown > 0; shown -= 1) {
    const text = `${lines.slice(0, shown).join('\n')}\n... and ${lines.length - shown} more`;
    if (text.length <= maxLength) return text;
  }
  return shorten(lines[0] ?? '', maxLength);
}
