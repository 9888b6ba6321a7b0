import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { peakRssBytes, processCpuSeconds, treeCpuSeconds } from './process-cpu.ts';

const BUSY_SECONDS = 0.3;

test('what an ended child used stays in its parent’s tree and out of the parent’s own time', () => {
  const own = processCpuSeconds(process.pid) ?? Number.NaN;
  const tree = treeCpuSeconds(process.pid) ?? Number.NaN;
  const busy = `while (process.cpuUsage().user < ${BUSY_SECONDS * 1e6}) for (let i = 0; i < 1e7; i += 1);`;
  spawnSync(process.execPath, ['-e', busy]);
  const ownUsed = (processCpuSeconds(process.pid) ?? Number.NaN) - own;
  const treeUsed = (treeCpuSeconds(process.pid) ?? Number.NaN) - tree;
  // Two clocks of 10 ms.
  expect(treeUsed - ownUsed).toBeGreaterThanOrEqual(BUSY_SECONDS - 0.02);
});

test('a process that is not there has no clock and no memory', () => {
  expect(processCpuSeconds(0)).toBeNull();
  expect(treeCpuSeconds(0)).toBeNull();
  expect(peakRssBytes(0)).toBeNull();
  expect(peakRssBytes(process.pid)).toBeGreaterThan(1_000_000);
});
