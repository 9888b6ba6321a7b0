import { idMillis } from '@adtally/event-schema';

/** What an impression id says of its time. */
export const ID_FORMS = ['uuid_v7', 'uuid_v7_no_time', 'uuid_v4', 'uuid_v1', 'other'] as const;

export type IdForm = (typeof ID_FORMS)[number];

export const ID_FORM_WORDS: Readonly<Record<IdForm, string>> = {
  uuid_v7: 'UUIDv7',
  uuid_v7_no_time: 'looks like UUIDv7 with a time in 2100 or later, as hashes and early drafts do',
  uuid_v4: 'UUIDv4',
  uuid_v1: 'UUIDv1',
  other: 'another kind',
};

export interface ReadId {
  readonly form: IdForm;
  /** Milliseconds since 1970, or -1 where it carries no time. */
  readonly bornMs: number;
}

const KINDS: Readonly<Record<number, IdForm>> = {
  1: 'uuid_v1',
  4: 'uuid_v4',
  7: 'uuid_v7_no_time',
};

/** @param id 16 bytes */
export function readId(id: Uint8Array): ReadId {
  const bornMs = idMillis(id);
  if (bornMs >= 0) return { form: 'uuid_v7', bornMs };
  const isRfc9562 = (id[8] as number) >> 6 === 2;
  const form = isRfc9562 ? KINDS[(id[6] as number) >> 4] : undefined;
  return { form: form ?? 'other', bornMs };
}
