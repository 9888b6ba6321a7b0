import { execFile } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { unpackedPackages } from './debian-packages.ts';

export interface PrometheusPrograms {
  readonly prometheus: string;
  readonly promtool: string;
  readonly amtool: string;
  readonly alertmanager: string;
  /** The folder that `alertmanager` has to be started in. */
  readonly root: string;
}

const PACKAGES = ['prometheus', 'prometheus-alertmanager'];

/** The system's programs, else Debian's packages unpacked in the cache; undefined where neither can be had. */
export function prometheusPrograms(): PrometheusPrograms | undefined {
  if (existsSync(programsIn('/').prometheus) && existsSync(programsIn('/').alertmanager)) {
    return programsIn('/');
  }
  const folder = unpackedPackages('prometheus', PACKAGES, (made) =>
    relocate(programsIn(made).alertmanager),
  );
  return folder === undefined ? undefined : programsIn(folder);
}

/** By Debian's names: where somebody else installed them, the flags may be another version's. */
function programsIn(root: string): PrometheusPrograms {
  return {
    prometheus: join(root, 'usr/bin/prometheus'),
    promtool: join(root, 'usr/bin/promtool'),
    amtool: join(root, 'usr/bin/amtool'),
    alertmanager: join(root, 'usr/bin/prometheus-alertmanager'),
    root,
  };
}

/** Where Debian's Alertmanager looks for its templates, whatever it is told: built into the program. */
const TEMPLATES = '/usr/share/prometheus/alertmanager';

/** The same path of the same length, from the folder it is started in: as conda relocates programs. */
function relocate(file: string): void {
  const bytes = readFileSync(file);
  const moved = Buffer.from(`${TEMPLATES.slice(1)}/`);
  for (let at = bytes.indexOf(TEMPLATES); at !== -1; at = bytes.indexOf(TEMPLATES, at + 1)) {
    moved.copy(bytes, at);
  }
  writeFileSync(file, bytes);
}

/** Whether `testPrometheus`, `testAlertmanager`, `promtool` and `amtool` work here. */
export function hasPrometheus(): boolean {
  return prometheusPrograms() !== undefined;
}

/** The programs, for whoever has asked `hasPrometheus`. */
export function requirePrometheus(): PrometheusPrograms {
  const programs = prometheusPrograms();
  if (programs === undefined) throw new Error('this needs Prometheus, or apt-get to fetch it with');
  return programs;
}

export interface ToolResult {
  /** 0 only where everything that was checked is right. */
  readonly code: number;
  /** What it printed: standard output, then standard error. */
  readonly output: string;
}

/** Runs promtool: `check rules FILE...`, `test rules FILE...`, `check config FILE`. */
export async function promtool(...args: readonly string[]): Promise<ToolResult> {
  return await run(requirePrometheus().promtool, args);
}

/** Runs amtool: `check-config FILE`. */
export async function amtool(...args: readonly string[]): Promise<ToolResult> {
  return await run(requirePrometheus().amtool, args);
}

async function run(file: string, args: readonly string[]): Promise<ToolResult> {
  return await new Promise((resolve, reject) => {
    execFile(file, args, (error, stdout, stderr) => {
      const code = error === null ? 0 : error.code;
      if (typeof code === 'number') resolve({ code, output: `${stdout}${stderr}` });
      else reject(error as Error);
    });
  });
}
