import { insertSource, registerTopic } from '@adtally/db';
import { uniqueName } from '@adtally/testkit';
import { sql } from 'kysely';
import { goodEvents } from './events.ts';
import type { OperatorStage } from './stage.ts';

type Value = (stage: OperatorStage, before: readonly string[]) => Promise<string> | string;

interface Placeholder {
  /** The words before it, as they stand in the document. */
  readonly after: RegExp;
  readonly value: Value;
}

/**
 * What an operator puts in the place of a document's own: `N`, `F`, `4711`, dates, names of topics and files.
 * The first one that fits is taken; what none fits stays as it is.
 */
const PLACEHOLDERS: readonly Placeholder[] = [
  { after: /^help$/, value: () => 'demo' },
  { after: / --fingerprint$/, value: deadFingerprint },
  { after: / --code$/, value: () => 'schema_mismatch' },
  { after: /^ops redrive .*--confirm$/, value: lettersMatched },
  { after: /^ops discard .*--until$/, value: () => hoursFromNow(1) },
  { after: /^ops discard .*--id$/, value: twoDeadLetters },
  { after: / --discard$/, value: latestDiscard },
  { after: /^ops dead-letters show$/, value: deadLetter },
  { after: /^ops redrive (status|receipts)$/, value: latestJob },
  { after: /^ops redrive pause$/, value: slowJob },
  { after: /^ops incidents ack$/, value: firingIncident },
  { after: /^ops accept-loss .*--source$/, value: haltedSource },
  { after: / --resume-at$/, value: () => String(HALTED_AT + LOST) },
  { after: / --conflict$/, value: newestConflict },
  { after: /^ops (.* )?(--topic|topics set)$/, value: ({ topic }) => topic },
  { after: /^ops statement .*--month$/, value: () => '2026-03' },
  { after: /^ops send$/, value: () => goodEvents()[0] ?? '' },
  { after: /^recount statement$/, value: () => 'october.json' },
  { after: /^recount report$/, value: ({ commands }) => commands.saved('report.json', REPORT) },
  { after: /^recount events$/, value: ({ commands }) => commands.saved('events.json', EVENTS) },
  { after: /^run backfill-runner compare$/, value: () => '1' },
  { after: / replay (?:resume|pause|cancel)$/, value: openReplay },
  { after: / replay .*--partition$/, value: () => '0' },
  { after: / replay .*--from-offset$/, value: () => '0' },
  { after: / replay .*--to-offset$/, value: () => '2' },
  { after: / replay .*--from-time$/, value: () => hoursFromNow(-1) },
  { after: / replay .*--to-time$/, value: () => hoursFromNow(1) },
  { after: /audit --since$/, value: () => '2026-03-01T00:00:00Z' },
  { after: / --from$/, value: () => '2026-03-01' },
  { after: / --to$/, value: () => '2026-03-02' },
];

const PERIOD = ['--from', '2026-03-01', '--to', '2026-03-02'];
const REPORT = ['ops', 'report', ...PERIOD];
const EVENTS = ['ops', 'events', '--campaign', 'c-7', ...PERIOD];

/** The words with all placeholders filled, by what the stage holds at this moment. */
export async function filled(stage: OperatorStage, words: readonly string[]): Promise<string[]> {
  const values: string[] = [];
  for (const [place, word] of words.entries()) {
    const before = words.slice(0, place).join(' ');
    const placeholder = word.startsWith('-')
      ? undefined
      : PLACEHOLDERS.find(({ after }) => after.test(before));
    values.push((await placeholder?.value(stage, words)) ?? word);
  }
  return values;
}

const HALTED_AT = 100;
const LOST = 30;

function hoursFromNow(hours: number): string {
  return new Date(Date.now() + hours * 3_600_000).toISOString();
}

/** Waits until no letter is being tried and no job lets letters in. */
async function atRest(stage: OperatorStage): Promise<void> {
  await stage.until(
    'letters to be at rest',
    sql<{ is: boolean }>`
    SELECT NOT EXISTS (SELECT FROM dead_letters WHERE state = 'pending')
       AND NOT EXISTS (SELECT FROM redrive_jobs WHERE state = 'running') AS is`,
  );
}

/** Of a cause that the other orders leave alone. */
async function deadFingerprint(stage: OperatorStage): Promise<string> {
  await atRest(stage);
  return await stage.one(sql`
    SELECT fingerprint FROM dead_letters WHERE state = 'dead' AND code <> 'schema_mismatch' LIMIT 1`);
}

async function deadLetter(stage: OperatorStage): Promise<string> {
  await atRest(stage);
  return await stage.one(sql`SELECT letter_id FROM dead_letters WHERE state = 'dead' LIMIT 1`);
}

async function twoDeadLetters(stage: OperatorStage): Promise<string> {
  await atRest(stage);
  return await stage.one(sql`
    SELECT string_agg(letter_id::text, ',') FROM (
      SELECT letter_id FROM dead_letters WHERE state = 'dead' AND code <> 'schema_mismatch' LIMIT 2) two`);
}

/** How many letters the same order would take, as its dry run says. */
async function lettersMatched(stage: OperatorStage, words: readonly string[]): Promise<string> {
  const dry = await filled(stage, words.slice(0, words.indexOf('--confirm')));
  return String((await stage.commands.json(dry)).matched);
}

async function latestDiscard(stage: OperatorStage): Promise<string> {
  return await stage.one(
    sql`SELECT max(discard_action) FROM dead_letters WHERE state = 'discarded'`,
  );
}

async function latestJob(stage: OperatorStage): Promise<string> {
  await atRest(stage);
  return await stage.one(sql`SELECT max(job_id) FROM redrive_jobs WHERE state = 'done'`);
}

async function slowJob(stage: OperatorStage): Promise<string> {
  await atRest(stage);
  const order = ['ops', 'redrive', '--code', 'schema_mismatch', '--rate', '1'];
  return String((await stage.commands.json([...order, '--execute', '--reason', 'a slow one'])).job);
}

async function firingIncident(stage: OperatorStage): Promise<string> {
  return await stage.one(sql`
    INSERT INTO incidents (alert, alert_key, status, starts_at, summary)
    VALUES ('DlqVolumeSpike', ${uniqueName('key')}, 'firing', now(), 'many records were rejected')
    RETURNING incident_id`);
}

/** A partition whose log lost its first unread records. */
async function haltedSource(stage: OperatorStage): Promise<string> {
  const { rows } = await sql<{ source_id: number }>`
    SELECT source_id FROM cursors WHERE halted_code IS NOT NULL LIMIT 1`.execute(stage.db);
  if (rows[0] !== undefined) return String(rows[0].source_id);
  const topic = uniqueName('cut-short');
  const [source] = await registerTopic(stage.db, {
    kind: 'events',
    topic,
    topicId: topic,
    partitions: 1,
    genesis: () => BigInt(HALTED_AT),
  });
  return await stage.one(sql`
    UPDATE cursors SET halted_code = 'truncated', halted_detail = 'log begins at 130', halted_at = now(),
      halted_resume_at = ${HALTED_AT + LOST}, known_end_offset = ${HALTED_AT + LOST}
    WHERE source_id = ${source?.sourceId} RETURNING source_id`);
}

async function newestConflict(stage: OperatorStage): Promise<string> {
  return String((await stage.commands.json(['ops', 'conflicts', 'list'])).conflicts[0].conflict);
}

/** A replay of two records that nobody works on. */
async function openReplay(stage: OperatorStage): Promise<string> {
  const { db, topic } = stage;
  const runId = await stage.one(sql`
    INSERT INTO replay_runs (topic, topic_id, actor, reason)
    SELECT topic, topic_id, 'ann', 'a test' FROM sources
    WHERE kind = 'events' AND topic = ${topic} AND partition = 0 AND closed_at IS NULL RETURNING run_id`);
  const topicId = await stage.one(sql`SELECT topic_id FROM replay_runs WHERE run_id = ${runId}`);
  const source = { kind: 'replay', topic, topicId, partition: 0, run: runId } as const;
  const sourceId = await insertSource(db, source, 0n);
  await sql`
    INSERT INTO replay_progress (run_id, partition, source_id, events_source_id, first_offset, end_offset, next_offset)
    SELECT ${runId}, 0, ${sourceId}, source_id, 0, 2, 0 FROM sources
    WHERE kind = 'events' AND topic_id = ${topicId} AND partition = 0`.execute(db);
  return runId;
}
