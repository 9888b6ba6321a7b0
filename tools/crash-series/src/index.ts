export type { CrashResult } from './chain.ts';
export { crashBuild, type CrashBuild } from './crash-build.ts';
export type { Side } from './gate-env.ts';
export type { Passage } from './passage.ts';
export { provenance } from './provenance.ts';
export type { RecordedResult } from './recorded-result.ts';
export { reportMarkdown } from './report.ts';
export { sample } from './sample.ts';
export {
  appsOf,
  crashSeries,
  recordPassages,
  wronglyNamed,
  type SeriesResult,
  type Signal,
} from './series.ts';
export { STAGES } from './stages.ts';
export type { Target } from './target.ts';
