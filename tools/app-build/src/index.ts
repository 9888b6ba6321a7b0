export { buildApps, type AppsBuild } from './build-apps.ts';
export { buildPrograms, type ProgramBuild } from './build-programs.ts';
