import { StackError } from '@adtally/local-stack';

/** The demo cannot go on: told as it is, without a stack trace. */
export class DemoError extends StackError {}

/** Ctrl-C: not a failure of the demo. */
export class Interrupted extends StackError {
  constructor(signal: NodeJS.Signals, exitCode: number) {
    super(`ended by ${signal}`, { exitCode });
  }
}
