import {
  command,
  EXIT,
  formatTable,
  JSON_OPTION,
  option,
  printJson,
  say,
  text,
} from '@adtally/command-line';
import { decodeHeaders, jsonInteger, listMisrouting } from '@adtally/db';
import { sourceName } from '@adtally/event-schema';
import { newestConflicts } from '../newest-conflicts.ts';
import { newestLetters } from '../newest-letters.ts';
import { onDatabase, type OpsContext, type OpsEnvironment } from '../on-database.ts';
import type { RecordBytes } from '../record-bytes.ts';
import { coordinate, count, printable } from '../words.ts';

/** So many conflicts, and so many letters, are looked at for who sent them. */
const RECORDS_MAX = 2_000;
const COLUMNS = ['TOPIC', 'SOURCE', 'WHAT', 'RECORDS', 'FIRST', 'LAST', 'LATEST', 'DETAIL'];
const RIGHT_ALIGNED = new Set([3]);
const NAMELESS = '(says none)';

/** What one source sends that is not as it should be. */
interface Fault {
  readonly topic: string;
  /** Empty where its records name none. */
  readonly source: string;
  readonly what: 'key' | 'partition' | 'conflict' | 'rejected';
  readonly records: number;
  readonly first: Date;
  readonly last: Date;
  readonly partition: number;
  readonly offset: bigint;
  readonly detail: string;
}

/** Who sends misrouted, conflicting and rejected records, those seen last first. */
export const producers = command({
  description: `By the event's field source, else a header (source, producer, client, client-id, client.id, ce_source),
else the source of its CloudEvents envelope. Misrouted records are counted by a sample
of each batch, of conflicts and of letters that are not resolved the newest ${RECORDS_MAX} are. What a source has to change: check-producer.`,
  options: { topic: option(text('TOPIC'), 'of this topic only'), ...JSON_OPTION },
  run: async ({ options: { topic, json } }, environment: OpsEnvironment) =>
    await onDatabase(environment, async (context) => {
      const faults = [
        ...(await misrouting(context, topic)),
        ...(await conflicts(context, topic)),
        ...(await rejections(context, topic)),
      ].toSorted((a, b) => b.last.getTime() - a.last.getTime());
      if (json) printJson({ faults: faults.map(shown) });
      else if (faults.length > 0) process.stdout.write(`${table(faults)}\n`);
      if (faults.length === 0)
        say('nobody is known to send misrouted, conflicting or rejected records');
      return EXIT.success;
    }),
});

async function misrouting({ db }: OpsContext, topic: string | undefined): Promise<Fault[]> {
  return (await listMisrouting(db, topic)).map(({ cause, firstSeenAt, lastSeenAt, ...one }) => ({
    ...one,
    what: cause,
    first: firstSeenAt,
    last: lastSeenAt,
    offset: BigInt(one.offset),
  }));
}

async function conflicts({ db }: OpsContext, topic: string | undefined): Promise<Fault[]> {
  const detail = 'its key was stored before with another payload';
  const records = await newestConflicts(db, { topic, limit: RECORDS_MAX });
  return added(records.map((record) => ({ ...record, what: 'conflict', detail })));
}

async function rejections({ db }: OpsContext, topic: string | undefined): Promise<Fault[]> {
  const records = await newestLetters(db, { topic, limit: RECORDS_MAX });
  return added(
    records.map(({ code, field, message, ...record }) => ({
      ...record,
      what: 'rejected',
      detail: `${field === '' ? code : `${code} ${field}`}: ${message}`,
    })),
  );
}

interface FaultyRecord
  extends Pick<Fault, 'topic' | 'partition' | 'offset' | 'what' | 'detail'>, RecordBytes {
  readonly recordedAt: Date;
}

/** Adds records up, which stand with the newest first, by topic, source and what is wrong with them. */
function added(records: readonly FaultyRecord[]): Fault[] {
  const named = records.map(({ value, headers, ...record }) => ({
    ...record,
    source: sourceName({ value, headers: decodeHeaders(headers) }) ?? '',
  }));
  const groups = Map.groupBy(named, ({ topic, source, detail }) =>
    JSON.stringify([topic, source, detail]),
  );
  return [...groups.values()].map((alike) => {
    const [newest, oldest] = [alike[0], alike.at(-1)] as [(typeof alike)[0], (typeof alike)[0]];
    const { recordedAt: last, ...example } = newest;
    return { ...example, records: alike.length, first: oldest.recordedAt, last };
  });
}

function table(faults: readonly Fault[]): string {
  const rows = faults.map((fault) => [
    printable(fault.topic),
    fault.source === '' ? NAMELESS : printable(fault.source),
    fault.what,
    count(fault.records),
    fault.first.toISOString(),
    fault.last.toISOString(),
    coordinate(fault),
    printable(fault.detail),
  ]);
  return formatTable([COLUMNS, ...rows], RIGHT_ALIGNED);
}

function shown(fault: Fault): object {
  return {
    topic: fault.topic,
    source: fault.source === '' ? null : fault.source,
    what: fault.what,
    records: fault.records,
    first_at: fault.first.toISOString(),
    last_at: fault.last.toISOString(),
    partition: fault.partition,
    offset: jsonInteger(fault.offset),
    detail: fault.detail,
  };
}
