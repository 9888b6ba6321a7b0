export { parseCommand, UsageError, wholeNumber } from '@adtally/command-line';
