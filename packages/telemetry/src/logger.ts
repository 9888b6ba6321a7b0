import { redactQuoted } from '@adtally/config';
import { destination, pino, stdTimeFunctions, type DestinationStream, type Logger } from 'pino';
import { withoutErrors } from './log-error.ts';

export type { Logger };

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface LoggerOptions {
  readonly service: string;
  readonly level: LogLevel;
  /** Standard error by default, written at once: a crash loses no line. */
  readonly destination?: DestinationStream;
}

/**
 * One JSON object a line, safe to print: nothing in it can steer a terminal or forge a line, errors are told by
 * an allow-list of their fields, and no secret of this process is in it.
 */
export function createLogger(options: LoggerOptions): Logger {
  return pino(
    {
      level: options.level,
      base: { service: options.service, pid: process.pid },
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }), log: withoutErrors },
      // They are plain by then; the library's own would have copied every field.
      serializers: { err: (error: unknown) => error },
      hooks: { streamWrite: (line) => escapeInvisible(redactQuoted(line)) },
    },
    options.destination ?? destination({ fd: 2, sync: true }),
  );
}

// JSON escapes below U+0020 only. Left are: DEL and C1 controls, marks and overrides of direction,
// line separators, lone surrogates, the byte order mark. All of them stand inside strings.
const INVISIBLE =
  /[\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

function escapeInvisible(line: string): string {
  return line.replace(
    INVISIBLE,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
