import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readKafkaSettings } from '@adtally/kafka/env';
import { repositoryRoot } from '@adtally/local-stack';
import { servers } from '@adtally/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { otherBuild } from '../src/build/other-build.ts';
import { benchLines, type BenchReport, markdown } from '../src/index.ts';
import { LINES } from '../src/lines/lines.ts';
import type { LineName } from '../src/lines/names.ts';
import type { Sizes } from '../src/lines/sizes.ts';
import { removeLoads } from '../src/preload/preload.ts';

const TINY: Sizes = {
  events: 3_000,
  rounds: 1,
  live: { rate: 2_000, seconds: 2 },
  liveFast: { rate: 3_000, seconds: 2 },
  idleEvents: 3,
  rowByRowSeconds: 1,
  deploy: { rate: 100, warmUpSeconds: 1, steadySeconds: 1, windowSeconds: 1, deploySeconds: 1 },
  starts: 1,
  letters: 1_000,
  growth: { smallRows: 2_000, rows: 5_000, part: 1_000, fill: 10_000 },
};

/** Other lines with the same measurement, the peers, whose jars are a download of 64 MB, and what has a test of its own. */
const LEFT_OUT: readonly LineName[] = ['mix', 'live-fast', 'variants', 'redis', 'peers', 'deploy'];
/** Figures that need another build. */
const AGAINST = ['reprocess.retried_ratio', 'reprocess.cpu_ratio'];
const OTHERS = (Object.keys(LINES) as LineName[]).filter(
  (name) => name !== 'clean' && !LEFT_OUT.includes(name),
);

let folder: string;
let loadsFile: string;
let addresses: Parameters<typeof benchLines>[0];
let kafka: Parameters<typeof benchLines>[1];

beforeAll(async () => {
  addresses = await servers();
  kafka = readKafkaSettings({ KAFKA_BROKERS: addresses.kafkaBrokers });
  folder = mkdtempSync(join(tmpdir(), 'adtally-bench-'));
  loadsFile = join(folder, 'loads.json');
});

afterAll(async () => {
  await removeLoads(kafka, loadsFile);
  rmSync(folder, { recursive: true });
});

async function measure(
  lines: readonly LineName[],
  against: Parameters<typeof benchLines>[2]['against'] = null,
): Promise<BenchReport> {
  return await benchLines(addresses, kafka, {
    lines,
    sizes: TINY,
    seed: 7,
    against,
    loadsFile,
    onProgress: () => undefined,
    signal: new AbortController().signal,
  });
}

test(
  'two builds in turn: each prepares and audits its own database, and every figure is a number',
  { timeout: 240_000 },
  async () => {
    // These sources once more, by their command line, as a clone of another revision is asked.
    const report = await measure(['clean'], otherBuild('other', repositoryRoot));
    expect(report).toMatchObject({ exact: true, against: 'other' });
    const figures = report.lines.flatMap((line) => line.figures);
    expect(figures.map(({ name }) => name)).toContain('clean.rate_ratio');
    expect(figures.filter(({ runs }) => runs !== 1)).toEqual([]);
    expect(figures.filter(({ measured }) => !Number.isFinite(measured))).toEqual([]);
    expect(markdown(report)).toContain('| clean.rate_ratio');
  },
);

test.each(OTHERS)(
  '%s is exact, and gives every figure it declares',
  { timeout: 240_000 },
  async (name) => {
    const report = await measure([name]);
    expect(report.lines.flatMap(({ problems }) => problems)).toEqual([]);
    const missing = report.lines
      .flatMap(({ figures }) => figures)
      .filter((figure) => !Number.isFinite(figure.measured) && !AGAINST.includes(figure.name));
    expect(missing).toEqual([]);
  },
);
