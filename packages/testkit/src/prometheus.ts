import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { requirePrometheus } from './prometheus-programs.ts';
import { WebServer } from './web-server.ts';

/** What is scraped under the same labels. */
export interface TargetGroup {
  /** `host:port` each, at `/metrics`. */
  readonly targets: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
}

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface PrometheusAlert {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly state: 'pending' | 'firing';
}

/** A Prometheus of its own. */
export interface TestPrometheus {
  readonly url: string;
  /** Takes the place of all targets there were; taken up within seconds. */
  setTargets(groups: readonly TargetGroup[]): void;
  /** An expression's value now: of a vector its samples, of a scalar one without labels. */
  query(expression: string): Promise<Sample[]>;
  /** Alerts that are pending or firing. */
  alerts(): Promise<PrometheusAlert[]>;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface TestPrometheusOptions {
  /** Paths of rule files; patterns are allowed in the last part. */
  readonly ruleFiles?: readonly string[];
  /** Of an Alertmanager that is told of alerts. */
  readonly alertmanagerUrl?: string;
  /** Labels of every alert. */
  readonly externalLabels?: Readonly<Record<string, string>>;
  /** Between scrapes, and between evaluations of rules that name no interval; 1 by default. */
  readonly intervalSeconds?: number;
}

/** Starts one with its data in a folder that goes away with it. */
export async function testPrometheus(options: TestPrometheusOptions = {}): Promise<TestPrometheus> {
  const { prometheus } = requirePrometheus();
  const server = await WebServer.start('prometheus', (folder, address) => {
    const config = join(folder, 'prometheus.yml');
    // JSON is YAML.
    writeFileSync(config, JSON.stringify(configOf(options, targetsFile(folder))));
    replaceFile(targetsFile(folder), '[]');
    const data = join(folder, 'data');
    const args = ['--log.level=warn', `--config.file=${config}`, `--storage.tsdb.path=${data}`];
    return [prometheus, ...args, `--web.listen-address=${address}`];
  });
  const { url, folder } = server;
  return {
    url,
    setTargets: (groups) => replaceFile(targetsFile(folder), JSON.stringify(groups)),
    query: async (expression) => {
      const answer = await ask<QueryAnswer>(url, 'query', { query: expression });
      return answer.resultType === 'vector'
        ? answer.result.map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }))
        : [{ labels: {}, value: Number(answer.result[1]) }];
    },
    alerts: async () => (await ask<{ alerts: PrometheusAlert[] }>(url, 'alerts', {})).alerts,
    close: () => server.close(),
    [Symbol.asyncDispose]: () => server.close(),
  };
}

function targetsFile(folder: string): string {
  return join(folder, 'targets.json');
}

/** In one step: half a file would be refused. */
function replaceFile(path: string, text: string): void {
  writeFileSync(`${path}.new`, text);
  renameSync(`${path}.new`, path);
}

function configOf(options: TestPrometheusOptions, targets: string): object {
  const { ruleFiles = [], alertmanagerUrl, externalLabels = {}, intervalSeconds = 1 } = options;
  const interval = `${intervalSeconds}s`;
  return {
    global: {
      scrape_interval: interval,
      scrape_timeout: interval,
      evaluation_interval: interval,
      external_labels: externalLabels,
    },
    rule_files: ruleFiles,
    alerting: {
      alertmanagers:
        alertmanagerUrl === undefined
          ? []
          : [{ static_configs: [{ targets: [new URL(alertmanagerUrl).host] }] }],
    },
    scrape_configs: [
      { job_name: 'adtally', file_sd_configs: [{ files: [targets], refresh_interval: '1s' }] },
    ],
  };
}

type QueryAnswer =
  | {
      readonly resultType: 'vector';
      readonly result: readonly {
        readonly metric: Readonly<Record<string, string>>;
        readonly value: readonly [atSeconds: number, value: string];
      }[];
    }
  | { readonly resultType: 'scalar'; readonly result: readonly [atSeconds: number, value: string] };

async function ask<T>(url: string, path: string, fields: Record<string, string>): Promise<T> {
  const response = await fetch(`${url}/api/v1/${path}?${new URLSearchParams(fields)}`);
  const body = (await response.json()) as { status: string; error?: string; data: T };
  if (body.status !== 'success') throw new Error(`${JSON.stringify(fields)}: ${body.error}`);
  return body.data;
}
