import { StackError } from '@adtally/local-stack';

/** The bench cannot go on: told as it is, without a stack trace. */
export class BenchError extends StackError {}
