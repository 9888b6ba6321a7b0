import { describe, expect, it } from 'vitest';
import { readCommandLine, UsageError } from './args.ts';

const ENV = { KAFKA_BROKERS: '127.0.0.1:9092' };
const NOW_MS = Date.UTC(2026, 0, 1);

describe('readCommandLine', () => {
  it('takes brokers and topic from the environment and the base time from the clock', () => {
    const env = { ...ENV, EVENTS_TOPIC: 'other-events' };
    expect(readCommandLine([], env, NOW_MS)?.simulate).toMatchObject({
      brokers: '127.0.0.1:9092',
      topic: 'other-events',
      events: 100_000,
      rate: 0,
      baseTimeMs: NOW_MS,
    });
  });

  it('lets an option win over the environment', () => {
    const args = '--brokers k:1 --topic t --events 5 --seed 9 --base-time 2026-01-02T00:00:00Z';
    const more = ['--mix', 'click=0.3, malformed=0', '--journal', 'j.ndjson', '--json'];
    expect(readCommandLine([...args.split(' '), ...more], ENV, NOW_MS)).toMatchObject({
      simulate: {
        brokers: 'k:1',
        topic: 't',
        events: 5,
        seed: 9,
        baseTimeMs: NOW_MS + 86_400_000,
        mix: { click: 0.3, malformed: 0 },
        journalPath: 'j.ndjson',
      },
      json: true,
    });
  });

  it('names everything that is wrong at once', () => {
    const args = [
      '--events',
      '1e5',
      '--rate',
      '-1',
      '--mix',
      'clicks=1,click=',
      '--base-time',
      'x',
    ];
    const read = (): unknown =>
      readCommandLine(args.with(3, '9.5'), { EVENTS_TOPIC: 'a topic' }, NOW_MS);
    expect(read).toThrow(UsageError);
    for (const part of ['KAFKA_BROKERS', '--events', '--rate', '--base-time', 'clicks=1', 'click='])
      expect(read).toThrow(part);
    expect(read).toThrow('EVENTS_TOPIC');
  });

  it('refuses an option it does not know', () => {
    expect(() => readCommandLine(['--evnts', '1'], ENV, NOW_MS)).toThrow(UsageError);
  });

  it('gives nothing to run where help is asked for, whatever else is missing', () => {
    expect(readCommandLine(['--help'], {}, NOW_MS)).toBeNull();
  });
});
