import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readStatement } from '@adtally/analytics';
import { registerTopic } from '@adtally/db';
import { expect, onTestFinished, test } from 'vitest';
import { opsStage } from './support/ops.ts';

const ASKED = ['--campaign', 'c-7', '--month', '2026-03', '--time-zone', 'Europe/Berlin'];

/** A database that counted five offsets and stored nothing of campaign c-7, and a folder. */
async function stage() {
  const ops = await opsStage();
  const topic = { kind: 'events', topic: 'ad-events', partitions: 1, topicId: 'id' } as const;
  await registerTopic(ops.db, { ...topic, genesis: () => 5n });
  const folder = mkdtempSync(join(tmpdir(), 'adtally-statement-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return { ...ops, path: (name: string) => join(folder, name) };
}

test('a statement is printed, kept once, verified, and told apart from a changed one by exit code', async () => {
  const { ops, json, path } = await stage();
  const kept = await ops('statement', ...ASKED, '--out', path('s.json'));
  expect(kept.code).toBe(0);
  expect(kept.stdout).toContain('Statement of campaign c-7, 2026-03, days of Europe/Berlin');
  expect(kept.stdout).toContain('as of     ad-events: 5 offsets in 1 partitions');
  const text = readFileSync(path('s.json'), 'utf8');
  const statement = JSON.parse(text);
  expect(statement).toMatchObject({
    schema: 'adtally.statement/1',
    as_of: [{ topic: 'ad-events', partition: '0', next_offset: '5' }],
    events: '0',
    rollups: { agreement: 'not comparable' },
  });
  expect(statement.days).toHaveLength(31);
  // Summer time begins: this day has 23 hours.
  expect(statement.days[28]).toMatchObject({
    day: '2026-03-29',
    from: '2026-03-28T23:00:00.000Z',
    to: '2026-03-29T22:00:00.000Z',
  });
  expect(await json('statement', 'verify', path('s.json'))).toMatchObject({
    code: 0,
    result: { verified: true, differences: [] },
  });
  expect((await ops('statement', ...ASKED, '--out', path('s.json'))).code).toBe(4);
  expect((await ops('statement', '--since', path('s.json'))).code).toBe(4);

  writeFileSync(path('changed.json'), text.replace('"c-7"', '"c-8"'));
  const changed = await ops('statement', 'verify', path('changed.json'));
  expect(changed.code).toBe(1);
  expect(changed.stdout).toContain('NOT verified:\ndigest: the file says');
  writeFileSync(path('spaced.json'), ` ${text}`);
  const spaced = await ops('statement', 'verify', path('spaced.json'));
  expect(spaced).toMatchObject({ code: 1, stdout: expect.stringContaining('bytes: what it says') });
});

test('what standard output has is a statement that verifies, in both of its forms', async () => {
  const { ops, path } = await stage();
  for (const form of [[], ['--json']]) {
    writeFileSync(path('s.json'), (await ops('statement', ...ASKED, ...form)).stdout);
    expect((await ops('statement', 'verify', path('s.json'))).code).toBe(0);
  }
});

test('it says beside the document that a month is not over, and that nothing is stored', async () => {
  const { ops } = await stage();
  const past = await ops('statement', ...ASKED);
  expect(past.stderr).toContain('no event of campaign "c-7" is stored in this time');
  expect(past.stderr).not.toContain('is not over');
  const coming = await ops('statement', '--campaign', 'c-7', '--month', '2999-01');
  expect(coming.stderr).toContain('2999-01 is not over in UTC');
});

test('a campaign is named exactly: blanks and a dash before it are part of its name', async () => {
  const { ops } = await stage();
  for (const name of [' c-7 ', '-c-7']) {
    const { stdout } = await ops('statement', `--campaign=${name}`, '--month', '2026-03', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ campaign_id: name });
  }
});

test('what cannot be is refused in one sentence', async () => {
  const { ops, path } = await stage();
  writeFileSync(path('other.json'), '{"schema": "adtally.statement/9"}');
  writeFileSync(path('none.json'), '{}');
  const refusals = [
    [['statement', '--campaign', 'c-7'], '--campaign and --month are needed'],
    [
      ['statement', '--since', path('none.json'), '--month', '2026-03'],
      '--since names a statement',
    ],
    [['statement', ...ASKED.slice(0, 2), '--month', '2026-13'], '--month must be a month'],
    [['statement', ...ASKED.slice(0, 4), '--time-zone', 'Mars/Base'], '--time-zone must be'],
    [['statement', 'verify', path('other.json')], 'its schema is "adtally.statement/9"'],
    [['statement', 'verify', path('none.json')], 'it names no schema'],
    [['statement', 'verify', path('absent.json')], 'cannot be read'],
  ] as const;
  for (const [argv, why] of refusals) {
    const { code, stderr } = await ops(...argv);
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining(why) });
  }
});

test('a statement that was issued once stays readable, and whole', () => {
  const issued = join(import.meta.dirname, 'support/statement.json');
  expect(readStatement(readFileSync(issued, 'utf8'))).toMatchObject({
    statement: { campaign_id: 'cmp-1002', events: '370' },
    problems: [],
  });
});

test('another database than the one it was issued from cannot verify it', async () => {
  const [one, other] = [await stage(), await opsStage()];
  await one.ops('statement', ...ASKED, '--out', one.path('s.json'));
  const { code, stderr } = await other.ops('statement', 'verify', one.path('s.json'));
  expect({ code, stderr }).toMatchObject({
    code: 4,
    stderr: expect.stringContaining('not the one it was issued from'),
  });
});
