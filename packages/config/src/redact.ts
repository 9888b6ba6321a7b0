import { MASK } from './mask.ts';

/**
 * A shorter secret is not looked for: it would be found in every other word. One that is shorter than
 * `ANYWHERE_MIN` is hidden only where it stands by itself, so that the password `adtally` of a developer's
 * database leaves `adtally_events_total` alone; a longer one also inside of words.
 */
const LENGTH_MIN = 4;
const ANYWHERE_MIN = 12;
/** A part of a hidden address's path that is as long as this is no name: it is a key, as in Slack's hooks. */
const PATH_KEY_MIN = 16;

/**
 * What was rotated out is hidden too, as long as so many came after it: where each connection has a token of its own, all
 * of them would in time be more than a line of a log can be searched for.
 */
const VALUES_MAX = 16;

/** Everything this process was given to keep to itself, by whose it is: value and spellings, the newest last. */
const kept = new Map<string, Map<string, readonly string[]>>();
let pattern: RegExp | undefined;

/**
 * Has `redact` hide a secret from now on: of an address its password and the parameters that speak of one,
 * of anything else the whole value.
 *
 * @param isHidden true where no part of the value is ever shown, also not of an address
 * @param owner what has this value now, and had others before; left out = it never changes
 */
export function keepSecret(value: string, isHidden: boolean, owner = value): void {
  const values = kept.get(owner) ?? new Map<string, readonly string[]>();
  const key = `${isHidden} ${value}`;
  const known = values.get(key);
  kept.set(owner, values);
  values.delete(key);
  values.set(key, known ?? secretParts(value, isHidden).flatMap(spellingsOf));
  if (known !== undefined) return;
  const [oldest] = values.keys();
  if (values.size > VALUES_MAX && oldest !== undefined) values.delete(oldest);
  const spellings = [...kept.values()].flatMap((each) => [...each.values()].flat());
  const looked = new Set(spellings.filter(({ length }) => length >= LENGTH_MIN));
  pattern = looked.size === 0 ? undefined : patternOf([...looked]);
}

/** Hides the secrets this process was given in a text for people: a message, a stack, a line. */
export function redact(text: string): string {
  return pattern === undefined ? text : text.replace(pattern, MASK);
}

const QUOTED = /"(?:[^"\\\n]|\\.)*"/g;

/** The same in what a machine reads, JSON or Prometheus text: only what is quoted changes, so it stays whole. */
export function redactQuoted(text: string): string {
  // A search without a match costs next to nothing, and nearly every line is one.
  return pattern === undefined || text.search(pattern) === -1 ? text : text.replace(QUOTED, redact);
}

/** The parts of an address that are nobody's business; all of it where it is no address. */
function secretParts(value: string, isHidden: boolean): string[] {
  const parts = isHidden || !value.includes('://') ? [value] : [];
  // As maskUrl: the last @ ends the password.
  const [, user = '', password] = /^[^/]*\/\/([^:/]*):(.*)@/s.exec(value) ?? [];
  if (password !== undefined) {
    const pair = `${decodedOf(user)}:${decodedOf(password)}`;
    parts.push(password, Buffer.from(pair).toString('base64')); // the latter as HTTP spells both
  }
  for (const [, given = ''] of value.matchAll(
    /[?&][^=&]*(?:password|secret|token|key)[^=&]*=([^&]*)/gi,
  )) {
    parts.push(given);
  }
  if (isHidden && URL.canParse(value)) {
    const { pathname, search } = new URL(value);
    parts.push(...pathname.split('/').filter((part) => part.length >= PATH_KEY_MIN));
    if (pathname.length + search.length >= PATH_KEY_MIN) parts.push(`${pathname}${search}`);
  }
  return parts;
}

/** As it was given, as a driver reads it, as an address and as JSON spell it. */
function spellingsOf(part: string): string[] {
  const decoded = decodedOf(part);
  const plain = [part, decoded, encodeURIComponent(decoded)];
  return [...plain, ...plain.map((text) => JSON.stringify(text).slice(1, -1))];
}

function decodedOf(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // a % that stands for itself
  }
}

function patternOf(secrets: readonly string[]): RegExp {
  const escaped = (text: string): string =>
    text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`);
  const longestFirst = secrets.toSorted((a, b) => b.length - a.length);
  const anywhere = longestFirst.filter((text) => text.length >= ANYWHERE_MIN).map(escaped);
  const alone = longestFirst.filter((text) => text.length < ANYWHERE_MIN).map(escaped);
  // What stands before it in a line of JSON may be the end of an escape: \n, \r, \t, \b, \f.
  const standing = String.raw`(?:(?<![\p{L}\p{N}_])|(?<=\\[nrtbf]))(?:${alone.join('|')})(?![\p{L}\p{N}_])`;
  return new RegExp([...anywhere, ...(alone.length > 0 ? [standing] : [])].join('|'), 'gu');
}
