import { expect, onTestFinished, test } from 'vitest';
import { crashBuild, REPOSITORY } from '../src/crash-build.ts';
import { sample } from '../src/sample.ts';
import { PROTOCOL_FILES, protocolPlaces, type Protocol } from '../src/protocol.ts';
import { appsOf, crashSeries, recordPassages, wronglyNamed } from '../src/series.ts';
import { STAGES } from '../src/stages.ts';

/** Dozens of processes, on a machine that may be busy with others. */
const LIMIT_MS = 900_000;
const JOBS = 2;
/** Of each protocol; the same ones each time, until the names change. */
const MOMENTS = 4;

test(
  'I8: every place is passed or excused, and where a process is killed at some of each protocol all totals are exact',
  { timeout: LIMIT_MS },
  async () => {
    const build = await crashBuild(appsOf(STAGES));
    onTestFinished(() => build.close());
    const passages = await recordPassages(build, STAGES, JOBS);
    expect(wronglyNamed(passages)).toEqual([]);

    const protocols = Object.keys(PROTOCOL_FILES) as Protocol[];
    const results = await crashSeries(build, passages, {
      signal: 'SIGKILL',
      jobs: JOBS,
      say: () => undefined,
      onResult: () => undefined,
      choose: (reachable) =>
        protocols.flatMap((protocol) => {
          const names = new Set(protocolPlaces(REPOSITORY, protocol).map(({ name }) => name));
          const own = reachable.filter(({ name, endsMoment }) => endsMoment && names.has(name));
          return sample(own, MOMENTS, 'suite');
        }),
    });
    expect(results.filter(({ problems }) => problems.length > 0)).toEqual([]);
    const killed = results.filter(({ evidence }) => evidence === 'said so, ended by SIGKILL');
    expect(killed.length).toBeGreaterThan(protocols.length * (MOMENTS - 1));
    expect(new Set(results.map(({ protocol }) => protocol))).toEqual(new Set(protocols));
  },
);
