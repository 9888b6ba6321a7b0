import { keepSecret } from '@adtally/config';
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

test('of an error the known fields are told and nothing else, wherever it stands in the line', () => {
  const password = 'hunter2-hunter2';
  const refused = Object.assign(new Error('WRONGPASS'), {
    command: { name: 'auth', args: ['default', password] },
    code: 'ERR',
    detail: `Key (email)=(${password})`,
    failure: { kind: 'bug', sqlState: '42P01', rows: [{ password }] },
    at: { topic: 'ad-events', position: 7 },
  });
  const outer = new Error('not written', { cause: refused });
  const lines = logged((logger) => {
    logger.warn({ err: outer }, 'a');
    logger.warn({ notice: { deep: [{ error: refused }] } }, 'b');
    logger.warn(refused);
  });
  expect(lines.join('')).not.toContain(password);
  expect(JSON.parse(lines[0] ?? '').err).toEqual({
    type: 'Error',
    message: 'not written: WRONGPASS',
    stack: expect.stringContaining('caused by: Error: WRONGPASS'),
    code: 'ERR',
    failure: { kind: 'bug', sqlState: '42P01' },
    at: { topic: 'ad-events', position: 7 },
  });
  expect(JSON.parse(lines[1] ?? '').notice.deep[0].error.code).toBe('ERR');
  expect(JSON.parse(lines[2] ?? '')).toMatchObject({ msg: 'WRONGPASS', err: { code: 'ERR' } });
});

test('an error that is its own cause ends, and the first of several stands for them', () => {
  const own = new Error('own');
  own.cause = own;
  const several = new AggregateError([Object.assign(new Error('first'), { code: 'ECONNREFUSED' })]);
  const lines = logged((logger) => {
    logger.warn({ err: own }, 'a');
    logger.warn({ err: several }, 'b');
  });
  expect(JSON.parse(lines[0] ?? '').err.message).toBe('own');
  expect(JSON.parse(lines[1] ?? '').err).toMatchObject({
    type: 'AggregateError',
    code: 'ECONNREFUSED',
  });
});

test('no line holds a secret of this process, and it stays JSON', () => {
  keepSecret('redis://:p%22ss-word-of-redis@cache', false);
  const [line = ''] = logged((logger) =>
    logger.warn({ err: new Error('AUTH p"ss-word-of-redis') }, 'said p%22ss-word-of-redis'),
  );
  expect(line).not.toContain('word-of-redis');
  expect(JSON.parse(line)).toMatchObject({ msg: 'said ***', err: { message: 'AUTH ***' } });
});
