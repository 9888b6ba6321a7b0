import { readFileSync } from 'node:fs';
import { chooseRecords } from './choose-records.ts';
import { runFloor } from './floor.ts';
import { runRowByRow } from './row-by-row.ts';
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
    case 'row-by-row':
      return await runRowByRow(task);
    default:
      return task satisfies never;
  }
}

process.stdout.write(`${JSON.stringify(await run())}\n`);
