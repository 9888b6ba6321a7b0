const QUOTED = /[",\r\n]/;

/** One line of RFC 4180, with its end; nothing is rounded or shortened. */
export function csvLine(cells: readonly (string | number | bigint | null)[]): string {
  const texts = cells.map((cell) => {
    const text = cell === null ? '' : String(cell);
    return QUOTED.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  });
  return `${texts.join(',')}\r\n`;
}
