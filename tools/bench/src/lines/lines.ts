import { clean, mix } from './builds.ts';
import { deploy } from './deploy.ts';
import { floor } from './floor.ts';
import { growth } from './growth.ts';
import { latency } from './latency.ts';
import type { Line } from './line.ts';
import { live, liveFast } from './live.ts';
import type { LineName } from './names.ts';
import { peers } from './peers.ts';
import { replay } from './replay.ts';
import { reprocess } from './reprocess.ts';
import { redis, wal } from './servers.ts';
import { start } from './start.ts';
import { twoProcesses } from './two-processes.ts';
import { traces } from './traces.ts';
import { duplicates, variants } from './variants.ts';

/** Every line by its name, in the order of the table. */
export const LINES: Readonly<Record<LineName, Line>> = {
  clean,
  mix,
  floor,
  'two-processes': twoProcesses,
  live,
  'live-fast': liveFast,
  latency,
  deploy,
  start,
  duplicates,
  replay,
  variants,
  traces,
  reprocess,
  redis,
  wal,
  peers,
  growth,
};
