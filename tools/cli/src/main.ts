import { main } from '@adtally/command-line';
import { PROGRAM } from './program.ts';

await main(PROGRAM, process.argv.slice(2), undefined);
