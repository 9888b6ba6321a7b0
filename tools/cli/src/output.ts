export { formatTable, printJson, progressLine, say } from '@adtally/command-line';
