/** Figures for people. */
export function count(value: number | bigint): string {
  return value.toLocaleString('en-US');
}

/** `1 letter`, `1,200 letters`. */
export function letters(value: number): string {
  return `${count(value)} ${value === 1 ? 'letter' : 'letters'}`;
}

/** A span in its two largest units: `45 s`, `2 m 05 s`, `3 h 20 m`, `4 d 1 h`. */
export function span(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3_600) return `${Math.floor(whole / 60)} m ${pad(whole % 60)} s`;
  if (whole < 86_400) return `${Math.floor(whole / 3_600)} h ${pad(Math.floor(whole / 60) % 60)} m`;
  return `${count(Math.floor(whole / 86_400))} d ${Math.floor(whole / 3_600) % 24} h`;
}

function pad(value: number): string {
  return String(value).padStart(2, '0');
}

/** `<topic>/3@1234`: where the original lies; letters without a source claim nothing we know. */
export function coordinate(at: {
  readonly topic: string | null;
  readonly partition: number | null;
  readonly offset: bigint;
}): string {
  return at.topic === null ? '-' : `${printable(at.topic)}/${at.partition}@${at.offset}`;
}

/** Text from outside as one line of printable ASCII: a record must not steer the terminal. */
export function printable(text: string): string {
  return text.replace(
    /[^\x20-\x7e]/gu,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
}

/** As `printable`, but whole text: letters of any script, and lines, stay. */
export function withoutControls(text: string): string {
  return text.replace(
    /(?![\n\t])[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
}

/** Micros as units, exactly: `1,234.50`, `-0.000001`; two digits behind the point at least. */
export function money(micros: bigint): string {
  const [sign, amount] = micros < 0n ? ['-', -micros] : ['', micros];
  const digits = String(amount % 1_000_000n).padStart(6, '0');
  return `${sign}${count(amount / 1_000_000n)}.${digits.slice(0, 2)}${digits.slice(2).replace(/0+$/, '')}`;
}

const NAME_CHARACTERS_MAX = 48;

/** A name from outside as a cell of a table: its middle is left out where it is long. JSON and CSV have it whole. */
export function shortName(name: string): string {
  const safe = printable(name);
  if (safe.length <= NAME_CHARACTERS_MAX) return safe;
  const half = NAME_CHARACTERS_MAX / 2 - 2;
  return `${safe.slice(0, half)}...${safe.slice(-half)}`;
}

/** For a campaign without a single event: most often its name was misspelt. */
export function nothingStored(campaignId: string): string {
  return `no event of campaign "${printable(campaignId)}" is stored in this time; a name must be exactly as events spell it`;
}

/** Which days were read beside `events`, for whoever looks at a figure; none where none was. */
export function restoredSentences(days: readonly string[]): string[] {
  if (days.length === 0) return [];
  const shown = days.length === 1 ? days[0] : `${days[0]} to ${days.at(-1)}`;
  const number = `${count(days.length)} restored ${days.length === 1 ? 'day' : 'days'}`;
  return [`read from events and from ${number} (${shown})`];
}
