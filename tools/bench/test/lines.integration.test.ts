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
import { hasMultiples, type LineName } from '../src/lines/names.ts';
import type { Sizes } from '../src/lines/sizes.ts';
import { removeLoads } from '../src/preload/preload.ts';

const TINY: Sizes = {
  events: 3_000,
  rounds: 1,
  live: { rate: 2_000, seconds: 2 },
  liveFast: { rate: 3_000, seconds: 2 },
  idleEvents: 3,
  rowByRowSeconds: 1,
  deploy: { rate: 200, warmUpSeconds: 1, steadySeconds: 1, windowSeconds: 1, deploySeconds: 10 },
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
  ways: Parameters<typeof benchLines>[2]['ways'] = [],
): Promise<BenchReport> {
  return await benchLines(addresses, kafka, {
    lines,
    sizes: TINY,
    seed: 7,
    against,
    ways,
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

test(
  'starts and deployments of two builds in turn: each build has its figures, and no other way has any',
  { timeout: 240_000 },
  async () => {
    const other = otherBuild('other', repositoryRoot);
    const reports = [
      await measure(['start'], other),
      await measure(['deploy'], other, ['in_place']),
    ];
    expect(reports.flatMap(({ lines }) => lines.flatMap(({ problems }) => problems))).toEqual([]);
    const figures = reports.flatMap(({ lines }) => lines.flatMap((line) => line.figures));
    expect(figures.filter(({ runs }) => runs !== 1)).toEqual([]);
    const names = figures.map(({ name }) => name);
    expect(names).toEqual(
      expect.arrayContaining(['start.first_commit_before', 'deploy.in_place_pause_before']),
    );
    expect(names.filter((name) => !/^(start|deploy\.in_place)[._](?!static)/.test(name))).toEqual(
      [],
    );
  },
);

test('beside other lines only what has multiples is compared', async () => {
  expect((Object.keys(LINES) as LineName[]).filter(hasMultiples)).toEqual([
    'clean',
    'mix',
    'reprocess',
  ]);
});

test.each(OTHERS)(
  '%s is exact, and gives every figure it declares',
  { timeout: 240_000 },
  async (name) => {
    const report = await measure([name]);
    expect(report.lines.flatMap(({ problems }) => problems)).toEqual([]);
    const figures = report.lines.flatMap((line) => line.figures);
    const missing = figures.filter(
      (figure) => !Number.isFinite(figure.measured) && !AGAINST.includes(figure.name),
    );
    expect(missing).toEqual([]);
    const declared = Object.keys(LINES[name].figures).filter(
      (figure) => !figure.endsWith('_before'),
    );
    expect(figures.map((figure) => figure.name)).toEqual(
      declared.map((figure) => `${name}.${figure}`),
    );
  },
);
