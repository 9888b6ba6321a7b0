import { readFileSync } from 'node:fs';
import { chooseRecords } from '../baseline/choose-records.ts';
import { runFloor } from '../baseline/floor.ts';
import { runRowByRow, runRowByRowLive } from '../baseline/row-by-row.ts';
import { generate } from '../live/generate.ts';
import type { Task } from './tasks.ts';

// A process of its own for each task, as cold as the service's. The task comes on stdin (it may hold
// passwords); the last line of stdout is the result.
const STDIN = 0;
const task = JSON.parse(readFileSync(STDIN, 'utf8')) as Task;

async function run(): Promise<object> {
  switch (task.kind) {
    case 'choose':
      return await chooseRecords(task);
    case 'floor':
      return await runFloor(task);
    case 'row-by-row-live':
      return await runRowByRowLive(task);
    case 'generate':
      return await generate(task);
    case 'row-by-row':
      return await runRowByRow(task);
    default:
      return task satisfies never;
  }
}

process.stdout.write(`${JSON.stringify(await run())}\n`);
