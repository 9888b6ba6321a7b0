import { expect, test } from 'vitest';
import { createLogger } from './logger.ts';

function logged(write: (logger: ReturnType<typeof createLogger>) => void): string[] {
  const lines: string[] = [];
  write(
    createLogger({
      service: 'a-service',
      level: 'info',
      destination: { write: (line) => void lines.push(line) },
    }),
  );
  return lines;
}

test('writes one JSON object a line with service, level and time', () => {
  const lines = logged((logger) => logger.warn({ partition: 3 }, 'halted'));
  expect(lines).toHaveLength(1);
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({
    service: 'a-service',
    level: 'warn',
    partition: 3,
    msg: 'halted',
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
  });
});

test('nothing from a message can forge a line or steer a terminal, and nothing is lost', () => {
  const hostile = 'a\n{"level":"fatal"}\r\u001b[31m\u009b31m\u202eb\u2028c\ud800d\u007f"é😀';
  const lines = logged((logger) => logger.info({ key: hostile, [hostile]: 1 }, hostile));
  expect(lines).toHaveLength(1);
  const line = lines[0] ?? '';
  expect(line.slice(0, -1)).not.toMatch(/\p{Cc}|\p{Cf}|\p{Cs}|\p{Zl}|\p{Zp}/u);
  expect(JSON.parse(line)).toMatchObject({ key: hostile, [hostile]: 1, msg: hostile });
});

test('an error keeps its message, stack and cause', () => {
  const error = new Error('outer', { cause: new Error('inner') });
  const lines = logged((logger) => logger.error({ err: error }, 'failed'));
  const { err } = JSON.parse(lines[0] ?? '');
  expect(err.message).toBe('outer: inner');
  expect(err.stack).toContain('inner');
});
