import { execFileSync } from 'node:child_process';
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';
import { REPOSITORY } from './crash-build.ts';
import type { RecordedResult } from './recorded-result.ts';

const GIBIBYTE = 1_073_741_824;

/** Of which sources and on which machine a command's results are, as it begins. */
export function provenance(): Pick<RecordedResult, 'commit' | 'machine' | 'load'> {
  const git = (...args: string[]) =>
    execFileSync('git', args, { cwd: REPOSITORY, encoding: 'utf8' }).trim();
  const changed = git('status', '--porcelain') === '' ? '' : ' with changes';
  const cores = availableParallelism();
  return {
    commit: `${git('rev-parse', '--short', 'HEAD')}${changed}`,
    machine: `${cores} cores (${cpus()[0]?.model.trim() ?? 'unknown'}), ${Math.round(totalmem() / GIBIBYTE)} GiB, Linux ${release()}, Node ${process.version}`,
    load: (loadavg()[0] ?? 0) / cores,
  };
}
