export { buildPrograms, type ProgramBuild } from './build-programs.ts';
