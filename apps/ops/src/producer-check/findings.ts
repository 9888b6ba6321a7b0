import { span } from '../words.ts';
import { ID_FORM_WORDS, ID_FORMS } from './id-form.ts';
import { KEY_FORM_WORDS, KEY_FORMS } from './key-form.ts';
import type { SourceTally } from './source-tally.ts';
import { TIMESTAMP_FORM_WORDS, TIMESTAMP_FORMS } from './timestamp-form.ts';

/** `wrong` costs events or order; a `note` is worth a look; `ok` is as the contract asks. */
export type Severity = 'ok' | 'note' | 'wrong';

export interface Finding {
  readonly aspect: 'keys' | 'placement' | 'timestamps' | 'ids' | 'bodies' | 'copies';
  readonly severity: Severity;
  readonly text: string;
}

/** Ids older than this at their record's time were hardly made for it. */
const OLD_MS = 30 * 86_400_000;
const SECOND_MS = 1_000;
/** What is rarer than these is not what to mend first. */
const CAUSES_TOLD_MAX = 10;
/** An id of this share of a source's ids without a time is a habit and no accident. */
const HABIT_SHARE = 0.5;

/** What is to be said of a source, in the order in which a producer would mend it. */
export function findingsOf(tally: SourceTally, partitions: number): Finding[] {
  return [
    ...bodies(tally),
    ...keys(tally),
    ...placement(tally, partitions),
    ...timestamps(tally),
    ...ids(tally),
    ...copies(tally),
  ];
}

function bodies({ records, events, causes, withUnknownFields }: SourceTally): Finding[] {
  const found: Finding[] = [];
  const rejected = records - events;
  if (rejected === 0) found.push(ok('bodies', 'all would be counted'));
  else found.push(wrong('bodies', `${share(rejected, records)} would be rejected`));
  const byNumber = [...causes.values()].toSorted((a, b) => b.records - a.records);
  for (const { code, field, message, records: count, example } of byNumber.slice(
    0,
    CAUSES_TOLD_MAX,
  ))
    found.push(
      wrong(
        'bodies',
        `${code}${field === null ? '' : ` ${field}`}: ${share(count, records)}, first at ${example}: ${message}`,
      ),
    );
  const untold = byNumber.length - CAUSES_TOLD_MAX;
  if (untold > 0) found.push(wrong('bodies', `${untold} causes more: --json tells them all`));
  if (withUnknownFields > 0)
    found.push(
      note(
        'bodies',
        `${share(withUnknownFields, records)} have fields the contract does not know: ignored`,
      ),
    );
  return found;
}

function keys(tally: SourceTally): Finding[] {
  const right = tally.keys.get('canonical') ?? 0;
  if (right === tally.records) return [ok('keys', `all ${KEY_FORM_WORDS.canonical}`)];
  return KEY_FORMS.filter((form) => form !== 'canonical').flatMap((form) => {
    const count = tally.keys.get(form) ?? 0;
    if (count === 0) return [];
    return [wrong('keys', `${share(count, tally.records)} ${KEY_FORM_WORDS[form]}`)];
  });
}

function placement({ placement: found }: SourceTally, partitions: number): Finding[] {
  const { judged, misplaced } = found;
  if (partitions === 1)
    return [note('placement', 'the topic has one partition: nothing can be told')];
  if (judged === 0) return [note('placement', 'no id can be read: nothing can be told')];
  if (misplaced === 0) return [ok('placement', "all lie where Java's partitioner puts them")];
  const said = `${share(misplaced, judged)} lie elsewhere than where Java's partitioner puts them`;
  const explanation = found.explanation();
  if (explanation === null) return [wrong('placement', said)];
  return [wrong('placement', `${said}; placed by ${explanation.words}`)];
}

function timestamps({ timestamps: forms, records, timestampsAhead }: SourceTally): Finding[] {
  const found = TIMESTAMP_FORMS.filter((form) => form !== 'milliseconds').flatMap((form) => {
    const count = forms.get(form) ?? 0;
    if (count === 0) return [];
    return [wrong('timestamps', `${share(count, records)} have ${TIMESTAMP_FORM_WORDS[form]}`)];
  });
  if (timestampsAhead > 0)
    found.push(
      wrong('timestamps', `${share(timestampsAhead, records)} are more than a day ahead of now`),
    );
  return found.length > 0 ? found : [ok('timestamps', 'all are plausible milliseconds')];
}

function ids({ ids: forms, agesMs }: SourceTally): Finding[] {
  const total = [...forms.values()].reduce((sum, count) => sum + count, 0);
  if (total === 0) return [note('ids', 'none can be read')];
  const timed = forms.get('uuid_v7') ?? 0;
  const found: Finding[] = ID_FORMS.filter((form) => form !== 'uuid_v7').flatMap((form) => {
    const count = forms.get(form) ?? 0;
    if (count === 0) return [];
    const counted =
      count / total >= HABIT_SHARE ? ', counted right and slower: UUIDv7 is meant' : '';
    return [note('ids', `${share(count, total)} are ${ID_FORM_WORDS[form]}: no time${counted}`)];
  });
  const middle = median(agesMs);
  if (middle === null) {
    if (timed > 0) found.push(note('ids', `${share(timed, total)} are UUIDv7`));
    return found;
  }
  const when = `${span(Math.abs(middle) / SECOND_MS)} ${middle < 0 ? 'after' : 'before'} their record's timestamp (median)`;
  const text = `${share(timed, total)} are UUIDv7, made ${when}`;
  const isPlausible = Math.abs(middle) <= OLD_MS;
  found.unshift(isPlausible ? ok('ids', text) : wrong('ids', `${text}: is their clock right?`));
  return found;
}

function copies({ copies: found, records }: SourceTally): Finding[] {
  const { duplicates, conflicts, conflictFields } = found;
  const said: Finding[] = [];
  if (conflicts > 0) {
    const fields = [...conflictFields].toSorted(([, a], [, b]) => b - a).map(([name]) => name);
    said.push(
      wrong(
        'copies',
        `${share(conflicts, records)} repeat an event with another payload (${fields.join(', ')}): ` +
          'the first one counts. A retry must send what was sent before',
      ),
    );
  }
  if (duplicates > 0)
    said.push(note('copies', `${share(duplicates, records)} repeat an event: counted once`));
  return said;
}

/** `12.3 % (123)`; never 0 or 100 % where it is not. */
export function share(part: number, whole: number): string {
  const percent = (part / whole) * 100;
  const rounded = percent.toFixed(1);
  let shown = rounded.replace(/\.0$/, '');
  if (part > 0 && rounded === '0.0') shown = '< 0.1';
  if (part < whole && rounded === '100.0') shown = '> 99.9';
  return `${shown} % (${part.toLocaleString('en-US')})`;
}

function median(values: readonly number[]): number | null {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? null;
}

function ok(aspect: Finding['aspect'], text: string): Finding {
  return { aspect, severity: 'ok', text };
}

function note(aspect: Finding['aspect'], text: string): Finding {
  return { aspect, severity: 'note', text };
}

function wrong(aspect: Finding['aspect'], text: string): Finding {
  return { aspect, severity: 'wrong', text };
}
