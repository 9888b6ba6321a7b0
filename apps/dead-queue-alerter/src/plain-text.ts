// Controls, marks and overrides of direction, line separators, lone surrogates, the byte order mark.
const INVISIBLE =
  // oxlint-disable-next-line no-control-regex -- these are what is taken out
  /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]+|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/**
 * One line of text that nothing can be hidden in: headers and requests may be written by anybody. What is
 * longer than `maxLength` UTF-16 units ends in an ellipsis.
 */
export function plain(text: string, maxLength: number): string {
  // Cut first: a header may be a megabyte.
  const line = text
    .slice(0, maxLength * 2)
    .replace(INVISIBLE, ' ')
    .trim();
  if (line.length <= maxLength) return line;
  return `${line.slice(0, maxLength - 1).replace(/[\ud800-\udbff]$/, '')}…`;
}
