import { jsonText } from '@adtally/command-line';
import * as fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import {
  issueStatement,
  readStatement,
  renderStatement,
  type Statement,
  verifyStatement,
} from '../src/index.ts';
import { sealed } from '../src/statement/document.ts';
import { event, idAt, START_MS } from './events.ts';
import { World } from './world.ts';

const world = await World.create();
afterAll(() => world.close());

const JANUARY = { campaignId: 'c-1', month: '2026-01', timeZone: 'UTC' };

test('is whole as a file and as --json prints it, whatever a campaign is called', async () => {
  const campaignId = 'c\u009b1\u202e';
  await world.clear();
  await (
    await world.writer()
  ).commit([
    event({
      id: idAt(START_MS, 1),
      type: 'impression',
      atMs: 0,
      dimensions: [campaignId, 'cr-1', 'p-1'],
    }),
  ]);
  const issued = await issueStatement(world.db, { ...JANUARY, campaignId });
  expect(issued.events).toBe('1');
  for (const text of [renderStatement(issued), `${jsonText(issued)}\n`])
    expect(readStatement(text)).toEqual({ statement: issued, problems: [] });
});

describe('a file that somebody sealed anew', async () => {
  type Changeable = Record<string, any>;
  const changedBy = async (change: (content: Changeable) => void): Promise<Changeable> => {
    await world.clear();
    await (
      await world.writer()
    ).commit([event({ id: idAt(START_MS, 1), type: 'impression', atMs: 0, amount: 5n })]);
    const { digest: _digest, ...content } = structuredClone(
      await issueStatement(world.db, JANUARY),
    ) as Changeable;
    change(content);
    return content;
  };

  test.each<[string, (content: Changeable) => void, RegExp]>([
    ['as it was', () => {}, /^$/],
    [
      'other figures of a currency beside the right ones',
      ({ days }) => {
        const [right] = days[30].currencies;
        days[30].currencies.unshift({
          ...right,
          billed: { ...right.billed, spend_micros: '6' },
        });
      },
      /"days" are not written as/,
    ],
    ['a range twice', ({ offsets }) => offsets.push({ ...offsets[0], events: '9' }), /"offsets"/],
    [
      'a shorter window',
      ({ attribution }) => (attribution.window_ms = '1'),
      /attribution: the statement says .*"window_ms":"1"/,
    ],
  ])('%s', async (_what, change, expected) => {
    const { statement, problems } = readStatement(
      renderStatement(sealed((await changedBy(change)) as Omit<Statement, 'digest'>)),
    );
    expect(problems).toEqual([]);
    expect((await verifyStatement(world.db, statement)).join('\n')).toMatch(expected);
  });

  test.each<[string, (content: Changeable) => void, RegExp]>([
    ['more than a statement says', (content) => (content['amount_due'] = '1'), /amount_due/],
    ['a number', (content) => (content['events'] = 1), /\/events must be string/],
    ['a source twice', ({ as_of }) => as_of.push({ ...as_of[0], next_offset: '0' }), /says twice/],
    ['no zone', (content) => (content['time_zone'] = 'Mars/Base'), /"Mars\/Base", a time zone/],
    ['no month', (content) => (content['month'] = '2026-13'), /\/month must match/],
    ['no day', ({ days }) => (days[0].from = '2026-99-01T99:00:00.000Z'), /from must match/],
    ['no offset', ({ as_of }) => (as_of[0].next_offset = '9'.repeat(30)), /offset must match/],
    ['no window', ({ attribution }) => (attribution.window_ms = '9'.repeat(30)), /must match/],
    ['no text', (content) => (content['campaign_id'] = 'a\0b'), /campaign_id must match/],
  ])('%s: it is no statement', async (_what, change, expected) => {
    // What it is not is told before its digest.
    const text = JSON.stringify({ ...(await changedBy(change)), digest: '0'.repeat(64) });
    expect(() => readStatement(text)).toThrow(expected);
  });
});

test('a changed byte of the file is noticed, whichever it is; another schema is refused by name', async () => {
  const writer = await world.writer();
  await world.clear();
  await writer.commit([event({ id: idAt(START_MS, 1), type: 'impression', atMs: 0 })]);
  const text = renderStatement(await issueStatement(world.db, JANUARY));
  const problemsOf = (changed: string): readonly string[] => {
    try {
      return readStatement(changed).problems;
    } catch (error) {
      return [(error as Error).message];
    }
  };
  expect(problemsOf(text)).toEqual([]);
  fc.assert(
    fc.property(fc.nat(text.length - 1), fc.constantFrom('7', 'x', ' ', '"'), (at, byte) => {
      fc.pre(text[at] !== byte);
      expect(problemsOf(text.slice(0, at) + byte + text.slice(at + 1))).not.toEqual([]);
    }),
    { numRuns: 300 },
  );
  expect(problemsOf(text.replace('statement/1', 'statement/2'))).toEqual([
    'its schema is "adtally.statement/2"; this build reads adtally.statement/1',
  ]);
  expect(problemsOf('{"a": 1}')).toEqual(['it is no statement: it names no schema']);
});
